#include "embedder/image/orientation.h"

#include <cstdint>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/test_images.h"

namespace semblance::embedder {
namespace {

using ::semblance::testing::EncodeJpeg;
using ::semblance::testing::NoiseImage;
using ::semblance::testing::SmoothImage;
using ::semblance::testing::WithExifOrientation;

int JpegOrientation(absl::string_view jpeg) {
  return OrientationOf(FindMetadata(ImageFormat::kJpeg, jpeg));
}

TEST(JpegOrientation, ReadsAllEightInBothByteOrders) {
  const std::string jpeg = EncodeJpeg(SmoothImage(8, 8, 3));
  for (int orientation = 1; orientation <= 8; ++orientation) {
    EXPECT_EQ(JpegOrientation(WithExifOrientation(jpeg, orientation, /*big_endian=*/false)), orientation);
    EXPECT_EQ(JpegOrientation(WithExifOrientation(jpeg, orientation, /*big_endian=*/true)), orientation);
  }
}

TEST(JpegOrientation, IsUprightWhereThereIsNoneOrItMakesNoSense) {
  const std::string jpeg = EncodeJpeg(SmoothImage(8, 8, 3));
  EXPECT_EQ(JpegOrientation(jpeg), 1);
  for (const int orientation : {0, 9, 255, 65535}) {
    EXPECT_EQ(JpegOrientation(WithExifOrientation(jpeg, orientation)), 1) << orientation;
  }
  for (const std::string& bytes : {std::string(), std::string("\xFF\xD8"), std::string(1000, '\xFF'), std::string("no jpeg")}) {
    EXPECT_EQ(JpegOrientation(bytes), 1);
  }
}

TEST(JpegOrientation, TakesTheFirstExifSegment) {
  const std::string jpeg = EncodeJpeg(SmoothImage(8, 8, 3));
  EXPECT_EQ(JpegOrientation(WithExifOrientation(WithExifOrientation(jpeg, 3), 6)), 6);
}

TEST(JpegOrientation, LooksPastOtherSegmentsAndPadding) {
  std::string jpeg = WithExifOrientation(EncodeJpeg(SmoothImage(8, 8, 3)), 7);
  jpeg.insert(2, std::string("\xFF\xFE\x00\x07hello", 9));
  jpeg.insert(2, std::string(3, '\xFF'));
  EXPECT_EQ(JpegOrientation(jpeg), 7);
}

TEST(JpegOrientation, NeverReadsPastTheEnd) {
  const std::string jpeg = WithExifOrientation(EncodeJpeg(SmoothImage(8, 8, 3)), 6);
  for (size_t size = 0; size < 80; ++size) {
    const std::string cut(jpeg.data(), size);  // A copy, for AddressSanitizer to see its end.
    const int orientation = JpegOrientation(cut);
    EXPECT_TRUE(orientation == 1 || orientation == 6) << size;
  }
  for (size_t at = 0; at < 60; ++at) {
    for (const char value : {'\0', '\x7f', '\xff'}) {
      std::string damaged = jpeg;
      damaged[at] = value;
      const int orientation = JpegOrientation(damaged);
      EXPECT_TRUE(orientation >= 1 && orientation <= 8) << at;
    }
  }
}

// A TIFF structure with the orientation in a value of that type.
std::string ExifOf(const std::string& type, const std::string& value) {
  return std::string("MM\0*\0\0\0\x08\0\1\x01\x12\0", 13) + type + std::string("\0\0\0\1", 4) + value;
}

TEST(OrientationOf, TakesSmallNumbersOfEveryType) {
  EXPECT_EQ(OrientationOf({.exif = ExifOf("\x01", std::string("\6\0\0\0", 4))}), 6) << "BYTE";
  EXPECT_EQ(OrientationOf({.exif = ExifOf("\x03", std::string("\0\6\0\0", 4))}), 6) << "SHORT";
  EXPECT_EQ(OrientationOf({.exif = ExifOf("\x04", std::string("\0\0\0\6", 4))}), 6) << "LONG";
  EXPECT_EQ(OrientationOf({.exif = ExifOf("\x04", std::string("\0\6\0\0", 4))}), 1) << "the LONG 393,216";
  EXPECT_EQ(OrientationOf({.exif = ExifOf("\x02", "6\0")}), 1) << "a text";
}

TEST(OrientationOf, ReadsXmpAsAttributeAndAsElement) {
  for (const char* xmp : {"<rdf tiff:Orientation=\"8\"/>", "<rdf tiff:Orientation = '8'>", "<tiff:Orientation>8</tiff:Orientation>",
                          "<x tiff:OrientationX=\"3\" tiff:Orientation=\"8\"/>"}) {
    EXPECT_EQ(OrientationOf({.xmp = xmp}), 8) << xmp;
  }
  for (const char* xmp : {"", "tiff:Orientation", "tiff:Orientation=", "tiff:Orientation=\"", "tiff:Orientation=\"0\"",
                          "tiff:Orientation=\"9\"", "tiff:Orientation=\"61\"", "tiff:Orientation>x<"}) {
    EXPECT_EQ(OrientationOf({.xmp = xmp}), 1) << xmp;
  }
}

TEST(OrientationOf, PrefersExif) {
  const std::string exif = ExifOf("\x03", std::string("\0\6\0\0", 4));
  EXPECT_EQ(OrientationOf({.exif = exif, .xmp = "tiff:Orientation=\"3\""}), 6);
  EXPECT_EQ(OrientationOf({.exif = "MM", .xmp = "tiff:Orientation=\"3\""}), 3);
}

// Returns the pixel of the upright image at (x, y), as EXIF 2.32 defines it. Orientation n says where row 0 and column 0 of the
// stored image are in the upright one: 1 top left, 2 top right, 3 bottom right, 4 bottom left, 5 left top, 6 right top, 7 right
// bottom, 8 left bottom.
const uint8_t* StoredPixel(const Image& stored, int orientation, int x, int y) {
  const int last_x = stored.width - 1;
  const int last_y = stored.height - 1;
  const int column[] = {x, last_x - x, last_x - x, x, y, y, last_x - y, last_x - y};
  const int row[] = {y, y, last_y - y, last_y - y, x, last_y - x, last_y - x, x};
  return &stored.pixels[static_cast<size_t>(row[orientation - 1] * stored.width + column[orientation - 1]) * stored.channels];
}

TEST(Upright, PutsEveryPixelWhereExifSays) {
  for (const int channels : {1, 3}) {
    const Image stored = NoiseImage(7, 4, channels);
    for (int orientation = 1; orientation <= 8; ++orientation) {
      const Image upright = Upright(stored, orientation);
      ASSERT_EQ(upright.width, orientation >= 5 ? 4 : 7);
      ASSERT_EQ(upright.height, orientation >= 5 ? 7 : 4);
      ASSERT_EQ(upright.channels, channels);
      for (int y = 0; y < upright.height; ++y) {
        for (int x = 0; x < upright.width; ++x) {
          const uint8_t* expected = StoredPixel(stored, orientation, x, y);
          for (int c = 0; c < channels; ++c) {
            ASSERT_EQ(upright.pixels[static_cast<size_t>((y * upright.width + x) * channels + c)], expected[c])
                << "orientation " << orientation << " at " << x << ", " << y;
          }
        }
      }
    }
  }
}

TEST(Upright, TurnsBackWithTheOppositeOrientation) {
  const Image stored = NoiseImage(9, 5, 3);
  const int opposite[] = {1, 2, 3, 4, 5, 8, 7, 6};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    EXPECT_EQ(Upright(Upright(stored, orientation), opposite[orientation - 1]).pixels, stored.pixels) << orientation;
  }
}

}  // namespace
}  // namespace semblance::embedder
