#include <cstddef>
#include <cstdio>
// The header needs FILE and size_t, so it comes after <cstdio>.
#include <jpeglib.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "embedder/image/codecs.h"
#include "embedder/image/pixel_math.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/embedder/image/codec_checks.h"
#include "tests/testing/test_images.h"

namespace semblance::embedder {
namespace {

using ::semblance::testing::EncodeJpeg;
using ::semblance::testing::EncodeProgressiveJpeg;
using ::semblance::testing::JpegOfClaimedSize;
using ::semblance::testing::SmoothImage;
using ::semblance::testing::SolidImage;

// A JPEG of one CMYK color. `adobe` writes the marker by which Adobe's programs say that ink is inverted.
std::string CmykJpeg(int width, int height, const std::vector<uint8_t>& ink, bool adobe) {
  jpeg_compress_struct info = {};
  jpeg_error_mgr errors = {};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;  // NOLINT(google-runtime-int): libjpeg's type.
  jpeg_mem_dest(&info, &bytes, &size);
  info.image_width = static_cast<JDIMENSION>(width);
  info.image_height = static_cast<JDIMENSION>(height);
  info.input_components = 4;
  info.in_color_space = JCS_CMYK;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, 100, TRUE);
  info.write_Adobe_marker = adobe ? TRUE : FALSE;
  jpeg_start_compress(&info, TRUE);
  std::vector<uint8_t> row;
  for (int x = 0; x < width; ++x) {
    row.insert(row.end(), ink.begin(), ink.end());
  }
  while (info.next_scanline < info.image_height) {
    JSAMPROW rows = row.data();
    jpeg_write_scanlines(&info, &rows, 1);
  }
  jpeg_finish_compress(&info);
  std::string jpeg(reinterpret_cast<const char*>(bytes), size);
  jpeg_destroy_compress(&info);
  std::free(bytes);
  return jpeg;
}

TEST(ReadJpegHeader, GivesTheStoredSizeWithoutThePixels) {
  const absl::StatusOr<ImageHeader> header = ReadJpegHeader(JpegOfClaimedSize(1234, 567));
  ASSERT_OK(header);
  EXPECT_EQ(header->format, ImageFormat::kJpeg);
  EXPECT_EQ(header->width, 1234);
  EXPECT_EQ(header->height, 567);
}

TEST(ReadJpegHeader, RefusesWhatIsNoJpeg) {
  for (const std::string& bytes : {std::string(), std::string("\xFF\xD8"), std::string("GIF89a"), std::string(100, '\0')}) {
    EXPECT_THAT(ReadJpegHeader(bytes), IsDecodeFailure());
    EXPECT_THAT(DecodeJpeg(bytes, 3, 1), IsDecodeFailure());
  }
}

TEST(DecodeJpeg, GivesAsManyChannelsAsAskedForWhateverIsStored) {
  for (const int stored : {1, 3}) {
    const Image original = SmoothImage(40, 30, stored);
    for (const int channels : {1, 3}) {
      const absl::StatusOr<Image> image = DecodeJpeg(EncodeJpeg(original, 95), channels, 1);
      ASSERT_OK(image);
      EXPECT_EQ(image->channels, channels);
      EXPECT_EQ(image->pixels.size(), static_cast<size_t>(40 * 30 * channels));
      EXPECT_TRUE(stored != channels || LargestDifference(*image, original) <= 12);
    }
  }
}

TEST(DecodeJpeg, DividesBothSidesByTheScaleAndRoundsUp) {
  for (const std::string& jpeg : {EncodeJpeg(SmoothImage(401, 203, 3)), EncodeProgressiveJpeg(SmoothImage(401, 203, 3))}) {
    for (const int scale : {1, 2, 4, 8}) {
      const absl::StatusOr<Image> image = DecodeJpeg(jpeg, 3, scale);
      ASSERT_OK(image);
      EXPECT_EQ(image->width, (401 + scale - 1) / scale);
      EXPECT_EQ(image->height, (203 + scale - 1) / scale);
    }
  }
}

TEST(DecodeJpeg, AveragesWhatItScalesDown) {
  const Image original = SmoothImage(64, 64, 1);
  const absl::StatusOr<Image> image = DecodeJpeg(EncodeJpeg(original, 100), 1, 8);
  ASSERT_OK(image);
  for (int y = 0; y < 8; ++y) {
    for (int x = 0; x < 8; ++x) {
      int sum = 0;
      for (int i = 0; i < 64; ++i) {
        sum += original.pixels[(y * 8 + i / 8) * 64 + x * 8 + i % 8];
      }
      EXPECT_NEAR(image->pixels[y * 8 + x], sum / 64.0, 2);
    }
  }
}

TEST(DecodeJpeg, TurnsInkIntoLight) {
  // An ink of 0 means no ink, and 255 means full ink. The light is (1 - color) (1 - key).
  const std::vector<uint8_t> ink = {0, 100, 255, 51};
  const std::vector<uint8_t> inverted = {255, 155, 0, 204};
  const std::vector<uint8_t> light = {204, DivideBy255(155 * 204), 0};
  for (const std::string& jpeg : {CmykJpeg(16, 8, ink, /*adobe=*/false), CmykJpeg(16, 8, inverted, /*adobe=*/true)}) {
    const absl::StatusOr<Image> image = DecodeJpeg(jpeg, 3, 1);
    ASSERT_OK(image);
    ASSERT_EQ(image->channels, 3);
    for (size_t i = 0; i < image->pixels.size(); ++i) {
      ASSERT_NEAR(image->pixels[i], light[i % 3], 2) << i;
    }
  }
}

TEST(DecodeJpeg, TakesBytesBetweenSegmentsThatCamerasLeaveThere) {
  std::string jpeg = EncodeJpeg(SmoothImage(24, 16, 3));
  const absl::StatusOr<Image> clean = DecodeJpeg(jpeg, 3, 1);
  ASSERT_OK(clean);
  // The bytes come before a marker. A decoder warns about them and skips them.
  jpeg.insert(jpeg.find("\xFF\xDB"), std::string(5, '\x11'));
  const absl::StatusOr<Image> image = DecodeJpeg(jpeg, 3, 1);
  ASSERT_OK(image);
  EXPECT_EQ(LargestDifference(*image, *clean), 0);
}

TEST(DecodeJpeg, RefusesDataThatADecoderWouldPaintOver) {
  const std::string jpeg = EncodeJpeg(testing::NoiseImage(64, 64, 3));
  ASSERT_OK(DecodeJpeg(jpeg, 3, 1));
  EXPECT_THAT(DecodeJpeg(jpeg.substr(0, jpeg.size() / 2), 3, 1), IsDecodeFailure());
  EXPECT_THAT(DecodeJpeg(jpeg.substr(0, jpeg.size() - 2), 3, 1), IsDecodeFailure()) << "it lacks its end marker";
}

TEST(DecodeJpeg, WritesNothingToStandardError) {
  ::testing::internal::CaptureStderr();
  std::string jpeg = EncodeJpeg(SmoothImage(24, 16, 3));
  DecodeJpeg(jpeg.substr(0, jpeg.size() / 2), 3, 1).IgnoreError();
  ReadJpegHeader("no jpeg").IgnoreError();
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace semblance::embedder
