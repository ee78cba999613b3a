#include "embedder/image/image_format.h"

#include <string>

#include "tests/testing/status_matchers.h"

namespace semblance::embedder {
namespace {

using ::semblance::testing::HasReason;
using ::semblance::testing::StatusMessage;
using ::testing::AllOf;
using ::testing::HasSubstr;

auto IsNamed(const char* words) {
  return AllOf(HasReason("UNSUPPORTED_MEDIA"), StatusMessage(HasSubstr(words)));
}

TEST(FormatOf, GoesByTheFirstBytes) {
  EXPECT_EQ(FormatOf("\xFF\xD8\xFF\xE0").value(), ImageFormat::kJpeg);
  EXPECT_EQ(FormatOf("\x89PNG\r\n\x1A\n").value(), ImageFormat::kPng);
  EXPECT_EQ(FormatOf("RIFF....WEBP").value(), ImageFormat::kWebp);
  EXPECT_EQ(FormatOf("GIF87a").value(), ImageFormat::kGif);
  EXPECT_EQ(FormatOf("GIF89a").value(), ImageFormat::kGif);
  EXPECT_EQ(FormatOf("BM......").value(), ImageFormat::kBmp);
  EXPECT_EQ(FormatOf(std::string("II*\0", 4)).value(), ImageFormat::kTiff);
  EXPECT_EQ(FormatOf(std::string("MM\0*", 4)).value(), ImageFormat::kTiff);
}

TEST(FormatOf, NamesOtherFormatsAndSaysWhatToSend) {
  EXPECT_THAT(FormatOf(std::string(4, '\0') + "ftypheic"), IsNamed("HEIC"));
  EXPECT_THAT(FormatOf(std::string(4, '\0') + "ftypmif1"), IsNamed("HEIC"));
  EXPECT_THAT(FormatOf(std::string(4, '\0') + "ftypavif"), IsNamed("AVIF"));
  EXPECT_THAT(FormatOf(std::string(4, '\0') + "ftypisom"), IsNamed("video"));
  EXPECT_THAT(FormatOf("%PDF-1.7"), IsNamed("PDF"));
  EXPECT_THAT(FormatOf("\n<HTML>"), IsNamed("HTML"));
  EXPECT_THAT(FormatOf("<svg xmlns"), IsNamed("SVG"));
  EXPECT_THAT(FormatOf(std::string("\0\0\1\0", 4)), IsNamed("icon"));
  EXPECT_THAT(FormatOf(std::string(4, '\0') + "ftypheic"), StatusMessage(HasSubstr("JPEG or PNG")));
}

TEST(FormatOf, RefusesAnythingElse) {
  for (const std::string& bytes : {std::string(), std::string("R"), std::string("RIFF"), std::string("RIFF....WAVE"),
                                   std::string("hello"), std::string("\xFF\xD8"), std::string(1000, '\0')}) {
    EXPECT_THAT(FormatOf(bytes), IsNamed("no JPEG, PNG, WebP, GIF, BMP or TIFF"));
  }
}

}  // namespace
}  // namespace semblance::embedder
