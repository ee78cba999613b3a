#include "embedder/image/decode.h"

#include <algorithm>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "tests/embedder/image/codec_checks.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_images.h"

namespace semblance::embedder {
namespace {

using ::semblance::testing::EncodeBmp;
using ::semblance::testing::EncodeGif;
using ::semblance::testing::EncodeJpeg;
using ::semblance::testing::EncodePng;
using ::semblance::testing::EncodePng16;
using ::semblance::testing::EncodeProgressiveJpeg;
using ::semblance::testing::EncodeTiff;
using ::semblance::testing::EncodeWebp;
using ::semblance::testing::HasField;
using ::semblance::testing::HasReason;
using ::semblance::testing::JpegOfClaimedSize;
using ::semblance::testing::NoiseImage;
using ::semblance::testing::PngOfClaimedSize;
using ::semblance::testing::SmoothImage;
using ::semblance::testing::SolidImage;
using ::semblance::testing::StatusIs;
using ::semblance::testing::StatusMessage;
using ::semblance::testing::WebpOfClaimedSize;
using ::semblance::testing::WithExifOrientation;
using ::testing::AllOf;
using ::testing::HasSubstr;

auto IsRefused(const char* reason) {
  return AllOf(StatusIs(absl::StatusCode::kInvalidArgument), HasReason(reason), HasField("image"));
}

absl::StatusOr<Image> Decode(const std::string& bytes, int channels = 3, int min_short_side = 0) {
  return DecodeImage(bytes, DecodeLimits(), channels, min_short_side);
}

uint8_t At(const Image& image, int x, int y, int c) {
  return image.pixels[static_cast<size_t>((y * image.width + x) * image.channels + c)];
}

TEST(DecodeTest, PngAndLosslessWebpComeBackExactly) {
  const Image image = NoiseImage(37, 23, 3);

  ASSERT_OK_AND_ASSIGN(const Image png, Decode(EncodePng(image)));
  ASSERT_OK_AND_ASSIGN(const Image webp, Decode(EncodeWebp(image)));

  EXPECT_EQ(LargestDifference(png, image), 0);
  EXPECT_EQ(LargestDifference(webp, image), 0);
}

TEST(DecodeTest, LossyFormatsComeBackClose) {
  const Image image = SmoothImage(67, 45, 3);

  ASSERT_OK_AND_ASSIGN(const Image jpeg, Decode(EncodeJpeg(image, 95)));
  ASSERT_OK_AND_ASSIGN(const Image progressive, Decode(EncodeProgressiveJpeg(image, 95)));
  ASSERT_OK_AND_ASSIGN(const Image webp, Decode(EncodeWebp(image, 95)));

  EXPECT_LE(LargestDifference(jpeg, image), 12);
  EXPECT_LE(LargestDifference(webp, image), 12);
  EXPECT_EQ(LargestDifference(progressive, jpeg), 0);
}

TEST(DecodeTest, GrayBecomesRgbOfEqualChannels) {
  const Image gray = NoiseImage(16, 9, 1);

  for (const std::string& bytes : {EncodePng(gray), EncodeJpeg(gray)}) {
    ASSERT_OK_AND_ASSIGN(const Image one, Decode(bytes, 1));
    ASSERT_OK_AND_ASSIGN(const Image three, Decode(bytes, 3));
    for (size_t i = 0; i < one.pixels.size(); ++i) {
      ASSERT_EQ(three.pixels[3 * i], one.pixels[i]);
      ASSERT_EQ(three.pixels[3 * i + 1], one.pixels[i]);
      ASSERT_EQ(three.pixels[3 * i + 2], one.pixels[i]);
    }
  }
}

TEST(DecodeTest, ColorBecomesGrayByLumaInEveryFormat) {
  Image image = SolidImage(16, 16, 3, 0);
  for (size_t i = 0; i < image.pixels.size(); i += 3) {
    image.pixels[i] = 200;
    image.pixels[i + 1] = 100;
    image.pixels[i + 2] = 50;
  }
  const Image expected = SolidImage(16, 16, 1, 124);  // 0.299 * 200 + 0.587 * 100 + 0.114 * 50 = 124.2.

  for (const std::string& bytes : {EncodePng(image), EncodeWebp(image), EncodeJpeg(image, 100)}) {
    ASSERT_OK_AND_ASSIGN(const Image gray, Decode(bytes, 1));
    EXPECT_LE(LargestDifference(gray, expected), 1);
  }
}

TEST(DecodeTest, AlphaIsCompositedOverWhite) {
  Image image = SolidImage(3, 1, 4, 100);
  image.pixels[3] = 255;   // Opaque: 100.
  image.pixels[7] = 0;     // Transparent: white.
  image.pixels[11] = 128;  // 100 * 128 / 255 + 255 * 127 / 255 = 177.2.

  for (const std::string& bytes : {EncodePng(image), EncodeWebp(image)}) {
    ASSERT_OK_AND_ASSIGN(const Image decoded, Decode(bytes, 3));
    EXPECT_EQ(decoded.pixels, (std::vector<uint8_t>{100, 100, 100, 255, 255, 255, 177, 177, 177}));
    ASSERT_OK_AND_ASSIGN(const Image gray, Decode(bytes, 1));
    EXPECT_EQ(gray.pixels, (std::vector<uint8_t>{100, 255, 177}));
  }
}

TEST(DecodeTest, SixteenBitPngIsRoundedToEightBits) {
  const Image image = NoiseImage(21, 13, 3);

  ASSERT_OK_AND_ASSIGN(const Image decoded, Decode(EncodePng16(image)));

  EXPECT_EQ(LargestDifference(decoded, image), 0);
}

// The file has 2 x 2 pixels of red and half-transparent blue, with a palette. Its bytes are written out, because the available
// encoders make no palettes.
TEST(DecodeTest, PaletteWithTransparencyIsExpanded) {
  const std::string png(
      "\x89\x50\x4e\x47\x0d\x0a\x1a\x0a\x00\x00\x00\x0d\x49\x48\x44\x52\x00\x00\x00\x02\x00\x00\x00\x02\x08\x03\x00\x00\x00\x45"
      "\x68\xfd\x16\x00\x00\x00\x06\x50\x4c\x54\x45\xff\x00\x00\x00\x00\xff\x6c\xa1\xfd\x8e\x00\x00\x00\x02\x74\x52\x4e\x53\xff"
      "\x80\x08\x0f\xb3\x6a\x00\x00\x00\x0c\x49\x44\x41\x54\x78\x9c\x63\x60\x60\x04\x42\x00\x00\x0c\x00\x03\x2b\x63\xcb\x50\x00"
      "\x00\x00\x00\x49\x45\x4e\x44\xae\x42\x60\x82",
      101);

  ASSERT_OK_AND_ASSIGN(const Image decoded, Decode(png));

  EXPECT_EQ(decoded.pixels, (std::vector<uint8_t>{255, 0, 0, 127, 127, 255, 127, 127, 255, 255, 0, 0}));
}

TEST(DecodeTest, ExifOrientationTurnsTheImageUpright) {
  // The picture has a bright top left corner and a darker top right one; the rest is dark. Every orientation puts them elsewhere.
  constexpr int kWidth = 32;
  constexpr int kHeight = 16;
  Image image = SolidImage(kWidth, kHeight, 1, 20);
  for (int y = 0; y < 8; ++y) {
    std::fill_n(image.pixels.begin() + y * kWidth, 8, 240);
    std::fill_n(image.pixels.begin() + y * kWidth + 24, 8, 130);
  }
  const std::string jpeg = EncodeJpeg(image, 100);
  struct Corners {
    // The positions of the stored bright (top left) and medium (top right) corner, as x and y, each 0 or 1.
    int left, top, right, bottom;
  };
  // EXIF 2.32 defines, for each orientation, where row 0 and column 0 of the stored image are in the upright one.
  const Corners expected[] = {{0, 0, 1, 0}, {1, 0, 0, 0}, {1, 1, 0, 1}, {0, 1, 1, 1},
                              {0, 0, 0, 1}, {1, 0, 1, 1}, {1, 1, 1, 0}, {0, 1, 0, 0}};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    for (const bool big_endian : {false, true}) {
      ASSERT_OK_AND_ASSIGN(const Image upright, Decode(WithExifOrientation(jpeg, orientation, big_endian), 1));
      ASSERT_EQ(upright.width, orientation >= 5 ? kHeight : kWidth) << orientation;
      ASSERT_EQ(upright.height, orientation >= 5 ? kWidth : kHeight) << orientation;
      const Corners& corner = expected[orientation - 1];
      const auto at = [&](int right, int bottom) {
        return At(upright, right != 0 ? upright.width - 3 : 2, bottom != 0 ? upright.height - 3 : 2, 0);
      };
      EXPECT_NEAR(at(corner.left, corner.top), 240, 5) << orientation;
      EXPECT_NEAR(at(corner.right, corner.bottom), 130, 5) << orientation;
    }
  }
}

TEST(DecodeTest, SenselessOrientationsAreIgnored) {
  const std::string jpeg = EncodeJpeg(SmoothImage(24, 16, 3));
  ASSERT_OK_AND_ASSIGN(const Image plain, Decode(jpeg));

  for (const int orientation : {0, 9, 255}) {
    ASSERT_OK_AND_ASSIGN(const Image decoded, Decode(WithExifOrientation(jpeg, orientation)));
    EXPECT_EQ(LargestDifference(decoded, plain), 0) << orientation;
  }
}

TEST(DecodeTest, LargeJpegIsDecodedAtReducedScaleAndNoSmallerThanAsked) {
  const std::string jpeg = EncodeJpeg(SmoothImage(403, 201, 3));

  const auto short_side = [&](int min_short_side) {
    const absl::StatusOr<Image> image = Decode(jpeg, 3, min_short_side);
    return image.ok() ? image->height : -1;
  };

  EXPECT_EQ(short_side(0), 201);
  EXPECT_EQ(short_side(102), 201);
  EXPECT_EQ(short_side(101), 101);
  EXPECT_EQ(short_side(51), 51);
  EXPECT_EQ(short_side(26), 26);
  EXPECT_EQ(short_side(1), 26);
}

TEST(DecodeTest, NothingAndOtherFormatsAreNamedAsSuch) {
  EXPECT_THAT(Decode(""), IsRefused("IMAGE_MISSING"));
  EXPECT_THAT(Decode("hello"), IsRefused("UNSUPPORTED_MEDIA"));
  EXPECT_THAT(Decode("GIF89a......................"), IsRefused("IMAGE_DECODE_FAILED"));
  EXPECT_THAT(Decode(std::string("RIFF\x10\x00\x00\x00WAVE", 12)), IsRefused("UNSUPPORTED_MEDIA"));
  EXPECT_THAT(Decode("RIFF"), IsRefused("UNSUPPORTED_MEDIA"));
}

TEST(DecodeTest, HugeClaimsAreRefusedFromTheHeader) {
  for (const std::string& bytes :
       {JpegOfClaimedSize(50000, 50000), PngOfClaimedSize(50000, 50000), WebpOfClaimedSize(50000, 50000)}) {
    const absl::StatusOr<Image> image = Decode(bytes);
    EXPECT_THAT(image, IsRefused("IMAGE_TOO_LARGE"));
    EXPECT_THAT(image, StatusMessage(AllOf(HasSubstr("50000"), HasSubstr("16384"))));
  }
  EXPECT_THAT(Decode(PngOfClaimedSize(0, 10)), IsRefused("IMAGE_DECODE_FAILED"));
}

TEST(DecodeTest, LimitsHoldExactly) {
  const Image image = SmoothImage(40, 25, 3);
  for (const std::string& bytes : {EncodeJpeg(image), EncodePng(image), EncodeWebp(image)}) {
    DecodeLimits limits;
    limits.max_bytes = static_cast<int64_t>(bytes.size());
    limits.max_pixels = 40 * 25;
    limits.max_side = 40;
    EXPECT_OK(DecodeImage(bytes, limits, 3, 0));

    DecodeLimits bytes_limit = limits;
    --bytes_limit.max_bytes;
    DecodeLimits pixel_limit = limits;
    --pixel_limit.max_pixels;
    DecodeLimits side_limit = limits;
    --side_limit.max_side;
    for (const DecodeLimits& one_less : {bytes_limit, pixel_limit, side_limit}) {
      EXPECT_THAT(DecodeImage(bytes, one_less, 3, 0), IsRefused("IMAGE_TOO_LARGE"));
      EXPECT_THAT(ReadImageHeader(bytes, one_less), IsRefused("IMAGE_TOO_LARGE"));
    }
  }
}

TEST(DecodeTest, HeaderTellsFormatAndStoredSize) {
  const Image image = SmoothImage(40, 25, 3);
  ASSERT_OK_AND_ASSIGN(const ImageHeader jpeg, ReadImageHeader(WithExifOrientation(EncodeJpeg(image), 6), DecodeLimits()));
  ASSERT_OK_AND_ASSIGN(const ImageHeader png, ReadImageHeader(EncodePng(image), DecodeLimits()));
  ASSERT_OK_AND_ASSIGN(const ImageHeader webp, ReadImageHeader(EncodeWebp(image), DecodeLimits()));

  EXPECT_EQ(jpeg.format, ImageFormat::kJpeg);
  EXPECT_EQ(png.format, ImageFormat::kPng);
  EXPECT_EQ(webp.format, ImageFormat::kWebp);
  for (const ImageHeader& header : {jpeg, png, webp}) {
    EXPECT_EQ(header.width, 40);
    EXPECT_EQ(header.height, 25);
  }
}

class EncodingsTest : public ::testing::TestWithParam<std::pair<const char*, std::string>> {};

// Bytes behind the last pixel may be missing, such as the last chunk of a PNG.
TEST_P(EncodingsTest, AFileThatIsCutIsAnErrorOrHasAllItsPixels) {
  const std::string& bytes = GetParam().second;
  ASSERT_OK_AND_ASSIGN(const Image whole, Decode(bytes));

  constexpr size_t kMostBytesBehindThePixels = 200;
  for (size_t size = 0; size < bytes.size(); ++size) {
    const absl::StatusOr<Image> image = Decode(bytes.substr(0, size));
    if (image.ok()) {
      ASSERT_EQ(LargestDifference(*image, whole), 0) << "cut to " << size << " of " << bytes.size();
      ASSERT_LE(bytes.size() - size, kMostBytesBehindThePixels);
    } else {
      ASSERT_THAT(image, StatusIs(absl::StatusCode::kInvalidArgument)) << "cut to " << size << " of " << bytes.size();
    }
  }
}

TEST_P(EncodingsTest, FlippedBitsGiveAnImageOrAnError) {
  const std::string& original = GetParam().second;
  std::mt19937 random(7);
  int errors = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = original;
    for (int flips = 1 + static_cast<int>(random() % 4); flips > 0; --flips) {
      bytes[random() % bytes.size()] ^= static_cast<char>(1 << random() % 8);
    }
    // A flipped bit in a size can claim a huge image. The limit keeps the test quick.
    DecodeLimits limits;
    limits.max_pixels = 1 << 20;
    const absl::StatusOr<Image> image = DecodeImage(bytes, limits, 3, 8);
    if (!image.ok()) {
      ASSERT_THAT(image, AllOf(StatusIs(absl::StatusCode::kInvalidArgument), HasField("image")));
      ++errors;
      continue;
    }
    ASSERT_EQ(image->pixels.size(), static_cast<size_t>(image->width) * image->height * 3);
  }
  EXPECT_GT(errors, 0);
}

INSTANTIATE_TEST_SUITE_P(Formats, EncodingsTest,
                         ::testing::Values(std::make_pair("Jpeg", EncodeJpeg(SmoothImage(33, 18, 3))),
                                           std::make_pair("ProgressiveJpeg", EncodeProgressiveJpeg(SmoothImage(33, 18, 3))),
                                           std::make_pair("GrayJpeg", EncodeJpeg(SmoothImage(33, 18, 1))),
                                           std::make_pair("ExifJpeg", WithExifOrientation(EncodeJpeg(SmoothImage(33, 18, 3)), 6)),
                                           std::make_pair("Gif", EncodeGif(SmoothImage(33, 18, 1))),
                                           std::make_pair("Bmp", EncodeBmp(SmoothImage(19, 12, 3))),
                                           std::make_pair("Tiff", EncodeTiff(SmoothImage(33, 18, 3))),
                                           std::make_pair("Png", EncodePng(SmoothImage(19, 12, 3))),
                                           std::make_pair("PngWithAlpha", EncodePng(SmoothImage(19, 12, 4))),
                                           std::make_pair("Png16", EncodePng16(SmoothImage(9, 7, 3))),
                                           std::make_pair("LossyWebp", EncodeWebp(SmoothImage(33, 18, 3), 90)),
                                           std::make_pair("LosslessWebp", EncodeWebp(SmoothImage(19, 12, 3))),
                                           std::make_pair("LossyWebpWithAlpha", EncodeWebp(SmoothImage(19, 12, 4), 90))),
                         [](const auto& test) { return std::string(test.param.first); });

}  // namespace
}  // namespace semblance::embedder
