#include <cstdint>
#include <string>

#include "embedder/image/codecs.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/embedder/image/codec_checks.h"
#include "tests/testing/test_images.h"

namespace semblance::embedder {
namespace {

using ::semblance::testing::EncodeWebp;
using ::semblance::testing::NoiseImage;
using ::semblance::testing::SmoothImage;
using ::semblance::testing::WebpOfClaimedSize;

TEST(ReadWebpHeader, GivesTheSizeOfEveryForm) {
  for (const std::string& webp : {EncodeWebp(SmoothImage(40, 25, 3)), EncodeWebp(SmoothImage(40, 25, 3), 80),
                                  EncodeWebp(SmoothImage(40, 25, 4), 80), WebpOfClaimedSize(40, 25)}) {
    const absl::StatusOr<ImageHeader> header = ReadWebpHeader(webp);
    ASSERT_OK(header);
    EXPECT_EQ(header->format, ImageFormat::kWebp);
    EXPECT_EQ(header->width, 40);
    EXPECT_EQ(header->height, 25);
  }
}

TEST(ReadWebpHeader, RefusesAFileThatEndsInItsHeader) {
  const std::string webp = EncodeWebp(SmoothImage(40, 25, 3));
  for (size_t size = 0; size < 25; ++size) {
    EXPECT_THAT(ReadWebpHeader(webp.substr(0, size)), IsDecodeFailure()) << size;
  }
}

TEST(DecodeWebp, GivesLosslessPixelsExactlyAndAlphaWhereThereIsOne) {
  for (const int channels : {3, 4}) {
    Image image = NoiseImage(31, 17, channels);
    for (size_t i = 3; channels == 4 && i < image.pixels.size(); i += 4) {
      image.pixels[i] = static_cast<uint8_t>(image.pixels[i] | 1);  // The encoder drops the color of transparent pixels.
    }
    const absl::StatusOr<Image> decoded = DecodeWebp(EncodeWebp(image));
    ASSERT_OK(decoded);
    EXPECT_EQ(LargestDifference(*decoded, image), 0) << channels;
  }
}

TEST(DecodeWebp, GivesLossyPixelsClosely) {
  const Image image = SmoothImage(67, 45, 3);
  const absl::StatusOr<Image> decoded = DecodeWebp(EncodeWebp(image, 95));
  ASSERT_OK(decoded);
  EXPECT_LE(LargestDifference(*decoded, image), 12);
}

TEST(DecodeWebp, RefusesAnAnimationWithoutAFrame) {
  std::string webp = WebpOfClaimedSize(8, 8);
  webp[20] = 0x02;  // The flag of an animation.
  EXPECT_THAT(DecodeWebp(webp), IsDecodeFailure());
}

TEST(DecodeWebp, RefusesAFileThatIsCutAnywhere) {
  for (const std::string& webp : {EncodeWebp(SmoothImage(40, 25, 3)), EncodeWebp(SmoothImage(40, 25, 3), 80)}) {
    for (size_t size = 0; size < webp.size(); ++size) {
      EXPECT_THAT(DecodeWebp(webp.substr(0, size)), IsDecodeFailure()) << size << " of " << webp.size();
    }
  }
}

}  // namespace
}  // namespace semblance::embedder
