#include <string>

#include "embedder/image/codecs.h"
#include "tests/embedder/image/codec_checks.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_images.h"

namespace semblance::embedder {
namespace {

using ::semblance::testing::EncodeGif;
using ::semblance::testing::SmoothImage;
using ::semblance::testing::StatusMessage;
using ::testing::HasSubstr;

// The header and a table of two colors, gray 10 and 200; `screen` is width and height, 16 bits each.
std::string Begin(const std::string& screen) {
  return "GIF89a" + screen + std::string("\x80\0\0\x0A\x0A\x0A\xC8\xC8\xC8", 9);
}

// A frame of 2 x 1 pixels of the colors 1 and 0 at (left, 0): clear, 1, 0, end, in codes of 3 bits.
std::string Frame(char left) {
  return std::string(",") + left + std::string("\0\0\0\2\0\1\0\0\2\2\x0C\x0A\0", 13);
}

TEST(DecodeGif, GivesThePixelsOfAGrayPicture) {
  const Image image = SmoothImage(61, 33, 1);
  const std::string gif = EncodeGif(image);
  ASSERT_OK_AND_ASSIGN(const ImageHeader header, ReadGifHeader(gif));
  EXPECT_EQ(header.format, ImageFormat::kGif);
  EXPECT_EQ(header.width, 61);
  EXPECT_EQ(header.height, 33);
  ASSERT_OK_AND_ASSIGN(const Image decoded, DecodeGif(gif));
  ASSERT_EQ(decoded.channels, 4);
  for (size_t i = 0; i < image.pixels.size(); ++i) {
    ASSERT_EQ(decoded.pixels[4 * i], image.pixels[i]);
    ASSERT_EQ(decoded.pixels[4 * i + 1], image.pixels[i]);
    ASSERT_EQ(decoded.pixels[4 * i + 2], image.pixels[i]);
    ASSERT_EQ(decoded.pixels[4 * i + 3], 255);
  }
}

TEST(DecodeGif, LeavesTransparentWhatTheFrameDoesNotCover) {
  ASSERT_OK_AND_ASSIGN(const Image image, DecodeGif(Begin(std::string("\4\0\1\0", 4)) + Frame(1) + ";"));
  EXPECT_EQ(image.pixels, (std::vector<uint8_t>{0, 0, 0, 0, 200, 200, 200, 255, 10, 10, 10, 255, 0, 0, 0, 0}));
}

TEST(DecodeGif, TakesAFrameThatIsLargerThanTheScreen) {
  const std::string gif = Begin(std::string("\1\0\1\0", 4)) + Frame(3);
  ASSERT_OK_AND_ASSIGN(const ImageHeader header, ReadGifHeader(gif));
  EXPECT_EQ(header.width, 5);
  EXPECT_OK(DecodeGif(gif));
}

TEST(DecodeGif, NeedsNoEndOfTheFile) {
  EXPECT_OK(DecodeGif(Begin(std::string("\2\0\1\0", 4)) + Frame(0)));
}

TEST(DecodeGif, RefusesAFileWithoutAFrameOrColors) {
  EXPECT_THAT(ReadGifHeader(Begin(std::string("\2\0\1\0", 4)) + ";"), IsDecodeFailure());
  EXPECT_THAT(ReadGifHeader(std::string("GIF89a\2\0\1\0\0\0\0", 13) + Frame(0)), StatusMessage(HasSubstr("colors")));
}

TEST(DecodeGif, RefusesAColorThatTheTableLacks) {
  std::string gif = Begin(std::string("\2\0\1\0", 4)) + Frame(0);
  // Clear, 3, 0, end.
  gif[gif.size() - 3] = '\x1C';
  EXPECT_THAT(DecodeGif(gif), StatusMessage(HasSubstr("color 3 of 2")));
}

TEST(DecodeGif, RefusesAFileThatIsCutInItsPixels) {
  const std::string gif = EncodeGif(SmoothImage(20, 12, 1));
  for (size_t size = 0; size + 1 < gif.size(); ++size) {
    EXPECT_THAT(DecodeGif(gif.substr(0, size)), IsDecodeFailure()) << size << " of " << gif.size();
  }
}

}  // namespace
}  // namespace semblance::embedder
