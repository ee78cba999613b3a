#include <string>
#include <vector>

#include "embedder/image/codecs.h"
#include "tests/embedder/image/codec_checks.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_images.h"

namespace semblance::embedder {
namespace {

using ::semblance::testing::EncodeBmp;
using ::semblance::testing::HasReason;
using ::semblance::testing::NoiseImage;

std::string Little(uint32_t value, int size) {
  std::string bytes;
  for (int i = 0; i < size; ++i) {
    bytes += static_cast<char>(value >> (8 * i));
  }
  return bytes;
}

struct Kind {
  int width = 0;
  int height = 0;
  int bits = 0;
  uint32_t compression = 0;
};

// A file whose palette or masks are `table`, and whose rows are `pixels`.
std::string Bmp(const Kind& kind, const std::string& table, const std::string& pixels) {
  const std::string header =
      Little(40, 4) + Little(static_cast<uint32_t>(kind.width), 4) + Little(static_cast<uint32_t>(kind.height), 4) + Little(1, 2) +
      Little(static_cast<uint32_t>(kind.bits), 2) + Little(kind.compression, 4) + std::string(20, '\0') + table;
  return "BM" + std::string(8, '\0') + Little(static_cast<uint32_t>(14 + header.size()), 4) + header + pixels;
}

// Gray 10, 20, 30 and 40; the bytes are blue, green, red and nothing.
std::string Palette() {
  return std::string("\x0A\x0A\x0A\0\x14\x14\x14\0\x1E\x1E\x1E\0\x28\x28\x28\0", 16);
}

// Returns the red values of the decoded file.
std::vector<int> Reds(const std::string& bmp) {
  const absl::StatusOr<Image> image = DecodeBmp(bmp);
  EXPECT_OK(image);
  std::vector<int> reds;
  for (size_t i = 0; image.ok() && i < image->pixels.size(); i += static_cast<size_t>(image->channels)) {
    reds.push_back(image->pixels[i]);
  }
  return reds;
}

TEST(DecodeBmp, GivesThePixelsOfAnotherEncoder) {
  for (const int channels : {1, 3}) {
    const Image image = NoiseImage(13, 7, channels);
    ASSERT_OK_AND_ASSIGN(const Image decoded, DecodeBmp(EncodeBmp(image)));
    ASSERT_EQ(decoded.width, 13);
    ASSERT_EQ(decoded.height, 7);
    for (size_t i = 0; i < image.pixels.size() / static_cast<size_t>(channels); ++i) {
      for (size_t c = 0; c < 3; ++c) {
        ASSERT_EQ(decoded.pixels[i * 3 + c], image.pixels[i * static_cast<size_t>(channels) + (channels == 1 ? 0 : c)]) << i;
      }
    }
  }
}

TEST(DecodeBmp, ReadsFewBitsFromTheLeft) {
  EXPECT_EQ(Reds(Bmp({10, 1, 1}, Palette().substr(0, 8), std::string("\xA0\x40\0\0", 4))),
            (std::vector<int>{20, 10, 20, 10, 10, 10, 10, 10, 10, 20}));
  EXPECT_EQ(Reds(Bmp({3, 1, 4}, Palette(), std::string("\x12\x30\0\0", 4))), (std::vector<int>{20, 30, 40}));
}

TEST(DecodeBmp, RowsGoUpOrDown) {
  const std::string pixels("\1\0\0\0\2\0\0\0", 8);
  EXPECT_EQ(Reds(Bmp({1, 2, 8}, Palette(), pixels)), (std::vector<int>{30, 20}));
  EXPECT_EQ(Reds(Bmp({1, -2, 8}, Palette(), pixels)), (std::vector<int>{20, 30}));
}

TEST(DecodeBmp, ScalesMaskedColorsToAllOfEightBits) {
  // 5 bits for each color without masks, and 5, 6, 5 with them.
  ASSERT_OK_AND_ASSIGN(const Image plain, DecodeBmp(Bmp({2, 1, 16}, "", Little(0x7C00, 2) + Little(0x3E0, 2))));
  EXPECT_EQ(plain.pixels, (std::vector<uint8_t>{255, 0, 0, 0, 255, 0}));
  const std::string masks = Little(0xF800, 4) + Little(0x7E0, 4) + Little(0x1F, 4);
  ASSERT_OK_AND_ASSIGN(const Image masked, DecodeBmp(Bmp({2, 1, 16, 3}, masks, Little(0x7E0, 2) + Little(0x10, 2))));
  EXPECT_EQ(masked.pixels, (std::vector<uint8_t>{0, 255, 0, 0, 0, 131}));
}

TEST(DecodeBmp, TakesAlphaWhereSomePixelHasOne) {
  const std::string masks = Little(0xFF0000, 4) + Little(0xFF00, 4) + Little(0xFF, 4) + Little(0xFF000000, 4);
  ASSERT_OK_AND_ASSIGN(const Image some, DecodeBmp(Bmp({2, 1, 32, 6}, masks, Little(0x80112233, 4) + Little(0x112233, 4))));
  EXPECT_EQ(some.pixels, (std::vector<uint8_t>{0x11, 0x22, 0x33, 0x80, 0x11, 0x22, 0x33, 0}));
  ASSERT_OK_AND_ASSIGN(const Image none, DecodeBmp(Bmp({1, 1, 32, 6}, masks, Little(0x112233, 4))));
  EXPECT_EQ(none.pixels, (std::vector<uint8_t>{0x11, 0x22, 0x33, 255}));
}

TEST(DecodeBmp, FollowsRunLengths) {
  // The lower row: twice color 1, then the colors 2, 3, 0 as they are, with a byte to fill up. The upper row: two to the right.
  const std::string runs("\2\1\0\3\2\3\0\0\0\0\0\2\2\0\1\3\0\1", 18);
  EXPECT_EQ(Reds(Bmp({5, 2, 8, 1}, Palette(), runs)), (std::vector<int>{10, 10, 40, 10, 10, 20, 20, 30, 40, 10}));
  // With 4 bits a run alternates between two colors.
  EXPECT_EQ(Reds(Bmp({5, 1, 4, 2}, Palette(), std::string("\5\x12\0\1", 4))), (std::vector<int>{20, 30, 20, 30, 20}));
}

TEST(DecodeBmp, DropsWhatRunsWriteOutsideOfTheImage) {
  EXPECT_EQ(Reds(Bmp({2, 1, 8, 1}, Palette(), std::string("\xFF\1\0\2\xFF\xFF\5\1", 8))), (std::vector<int>{20, 20}));
}

TEST(DecodeBmp, RefusesWhatIsNotSupportedOrMakesNoSense) {
  EXPECT_THAT(DecodeBmp(Bmp({2, 2, 24, 4}, "", "")), HasReason("UNSUPPORTED_MEDIA")) << "a JPEG inside";
  EXPECT_THAT(DecodeBmp(Bmp({2, 2, 7}, "", "")), HasReason("UNSUPPORTED_MEDIA"));
  EXPECT_THAT(DecodeBmp(Bmp({0, 2, 24}, "", "")), IsDecodeFailure());
  EXPECT_THAT(DecodeBmp(Bmp({2, INT32_MIN, 24}, "", "")), IsDecodeFailure());
  EXPECT_THAT(DecodeBmp(Bmp({1, 1, 32, 3}, Little(5, 4) + Little(8, 4) + Little(16, 4), "1234")), IsDecodeFailure()) << "holes";
  EXPECT_THAT(DecodeBmp(std::string("BM") + std::string(60, '\xFF')), IsDecodeFailure());
}

TEST(DecodeBmp, RefusesAFileThatIsCutAnywhere) {
  const std::string runs = Bmp({2, 2, 8, 1}, Palette(), std::string("\2\1\0\0\2\2\0\1", 8));
  ASSERT_OK(DecodeBmp(runs));
  for (const std::string& bmp : {EncodeBmp(NoiseImage(5, 3, 3)).substr(0, 54 + 47), runs}) {
    for (size_t size = 0; size < bmp.size(); ++size) {
      EXPECT_THAT(DecodeBmp(bmp.substr(0, size)), IsDecodeFailure()) << size << " of " << bmp.size();
    }
  }
}

}  // namespace
}  // namespace semblance::embedder
