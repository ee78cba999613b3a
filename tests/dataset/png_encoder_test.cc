#include "dataset/png_encoder.h"

#include <png.h>

#include <string>

#include "tests/testing/status_matchers.h"

namespace semblance::dataset {
namespace {

TEST(PngEncoderTest, KeepsEveryPixel) {
  std::string pixels;
  for (int i = 0; i < 15; ++i) {
    pixels.push_back(static_cast<char>(17 * i));
  }

  ASSERT_OK_AND_ASSIGN(const std::string png, EncodeGrayPng(pixels, /*width=*/5, /*height=*/3));

  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  ASSERT_NE(png_image_begin_read_from_memory(&image, png.data(), png.size()), 0);
  EXPECT_EQ(image.width, 5U);
  EXPECT_EQ(image.height, 3U);
  EXPECT_EQ(image.format, static_cast<png_uint_32>(PNG_FORMAT_GRAY));
  std::string decoded(15, '\0');
  ASSERT_NE(png_image_finish_read(&image, nullptr, decoded.data(), 5, nullptr), 0);
  EXPECT_EQ(decoded, pixels);
}

TEST(PngEncoderTest, GivesEqualBytesForEqualPixels) {
  EXPECT_EQ(EncodeGrayPng("abcd", 2, 2).value(), EncodeGrayPng("abcd", 2, 2).value());
  EXPECT_NE(EncodeGrayPng("abcd", 2, 2).value(), EncodeGrayPng("abce", 2, 2).value());
}

}  // namespace
}  // namespace semblance::dataset
