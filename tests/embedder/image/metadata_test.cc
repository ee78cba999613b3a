#include "embedder/image/metadata.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/test_images.h"

namespace semblance::embedder {
namespace {

using ::semblance::testing::EncodeJpeg;
using ::semblance::testing::EncodePng;
using ::semblance::testing::PngChunk;
using ::semblance::testing::SmoothImage;
using ::semblance::testing::WithExifOrientation;
using ::semblance::testing::WithPngChunks;

std::string WebpOf(const std::string& chunks) {
  return "RIFF....WEBP" + chunks;
}

TEST(FindMetadata, FindsExifAndXmpOfAJpeg) {
  std::string jpeg = WithExifOrientation(EncodeJpeg(SmoothImage(8, 8, 3)), 6);
  const std::string xmp("http://ns.adobe.com/xap/1.0/\0<xmp/>", 35);
  jpeg.insert(2, std::string("\xFF\xE1\x00\x25", 4) + xmp);

  const ImageMetadata found = FindMetadata(ImageFormat::kJpeg, jpeg);

  EXPECT_EQ(found.exif.substr(0, 2), "II");
  EXPECT_EQ(found.exif.size(), 26u);
  EXPECT_EQ(found.xmp, "<xmp/>");
}

TEST(FindMetadata, FindsExifAndXmpOfAPngBeforeAndAfterThePixels) {
  const std::string png = EncodePng(SmoothImage(8, 8, 3));
  const std::string xmp = PngChunk("iTXt", std::string("XML:com.adobe.xmp\0\0\0\0\0<xmp/>", 28));
  std::string with_exif_last = WithPngChunks(png, xmp);
  with_exif_last.insert(with_exif_last.size() - 12, PngChunk("eXIf", "II*."));

  const ImageMetadata found = FindMetadata(ImageFormat::kPng, with_exif_last);

  EXPECT_EQ(found.exif, "II*.");
  EXPECT_EQ(found.xmp, "<xmp/>");
}

TEST(FindMetadata, PassesOverWhatIsDamagedOrCompressed) {
  const std::string png = EncodePng(SmoothImage(8, 8, 3));
  std::string damaged = PngChunk("eXIf", "II*.");
  damaged[8] = 'M';
  const std::string compressed = PngChunk("iTXt", std::string("XML:com.adobe.xmp\0\1\0\0\0<xmp/>", 28));

  const ImageMetadata found = FindMetadata(ImageFormat::kPng, WithPngChunks(png, damaged + compressed));

  EXPECT_EQ(found.exif, "");
  EXPECT_EQ(found.xmp, "");
}

TEST(FindMetadata, FindsExifAndXmpOfAWebpBehindChunksOfOddLength) {
  const std::string webp = WebpOf(std::string("ICCP\3\0\0\0abc\0EXIF\4\0\0\0II*.XMP \6\0\0\0<xmp/>", 38));

  const ImageMetadata found = FindMetadata(ImageFormat::kWebp, webp);

  EXPECT_EQ(found.exif, "II*.");
  EXPECT_EQ(found.xmp, "<xmp/>");
}

TEST(FindMetadata, TakesTheFirstOfTwo) {
  const std::string webp = WebpOf(std::string("EXIF\2\0\0\0MMEXIF\2\0\0\0II", 20));
  EXPECT_EQ(FindMetadata(ImageFormat::kWebp, webp).exif, "MM");
}

TEST(FindMetadata, ATiffIsItsOwnExif) {
  EXPECT_EQ(FindMetadata(ImageFormat::kTiff, "II*.").exif, "II*.");
}

TEST(FindMetadata, NeverReadsPastTheEnd) {
  const std::string exif = PngChunk("eXIf", "II*.");
  const std::string files[] = {WithExifOrientation(EncodeJpeg(SmoothImage(8, 8, 3)), 6),
                               WithPngChunks(EncodePng(SmoothImage(8, 8, 3)), exif),
                               WebpOf(std::string("ICCP\3\0\0\0abc\0EXIF\4\0\0\0II*.", 24))};
  const ImageFormat formats[] = {ImageFormat::kJpeg, ImageFormat::kPng, ImageFormat::kWebp};
  for (size_t i = 0; i < 3; ++i) {
    for (size_t size = 0; size < files[i].size(); ++size) {
      const std::string cut(files[i].data(), size);  // A copy, for AddressSanitizer to see its end.
      const ImageMetadata found = FindMetadata(formats[i], cut);
      EXPECT_TRUE(found.exif.empty() || found.exif.data() + found.exif.size() <= cut.data() + cut.size());
    }
  }
}

}  // namespace
}  // namespace semblance::embedder
