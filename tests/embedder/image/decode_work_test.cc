// The work of decoding one image is bounded, and can be ended in the middle.
#include <zlib.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "embedder/image/decode.h"
#include "tests/embedder/image/codec_checks.h"
#include "tests/embedder/image/inflate_counter.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_images.h"

namespace semblance::embedder {
namespace {

using ::semblance::testing::EncodeBmp;
using ::semblance::testing::EncodeGif;
using ::semblance::testing::EncodeJpeg;
using ::semblance::testing::EncodePng;
using ::semblance::testing::EncodeProgressiveJpeg;
using ::semblance::testing::EncodeTiff;
using ::semblance::testing::EncodeWebp;
using ::semblance::testing::InflatedBytes;
using ::semblance::testing::PngChunk;
using ::semblance::testing::SmoothImage;
using ::semblance::testing::StatusIs;
using ::semblance::testing::StatusMessage;
using ::semblance::testing::WithPngChunks;
using ::testing::HasSubstr;

std::string Compressed(const std::string& bytes) {
  std::string packed(compressBound(bytes.size()), '\0');
  uLongf size = packed.size();
  compress2(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size(), 9);
  packed.resize(size);
  return packed;
}

TEST(DecodeWorkTest, MetadataOfAPngIsNeverUnpacked) {
  const Image image = SmoothImage(40, 30, 3);
  const std::string png = EncodePng(image);
  // Each of them unpacks to a megabyte.
  const std::string megabyte = Compressed(std::string(1 << 20, 'x'));
  std::string chunks = PngChunk("iCCP", std::string("name\0\0", 6) + megabyte);
  for (int i = 0; i < 900; ++i) {
    absl::StrAppend(&chunks, PngChunk("zTXt", std::string("key\0\0", 5) + megabyte),
                    PngChunk("iTXt", std::string("key\0\1\0\0\0", 8) + megabyte));
  }
  const int64_t before = InflatedBytes();

  ASSERT_OK_AND_ASSIGN(const Image decoded, DecodeImage(WithPngChunks(png, chunks), DecodeLimits(), 3, 0));

  EXPECT_EQ(LargestDifference(decoded, image), 0);
  const int64_t inflated = InflatedBytes() - before;
  EXPECT_GE(inflated, 40 * 30 * 3) << "the pixels";
  EXPECT_LE(inflated, 2 * 40 * 30 * 3);
}

TEST(DecodeWorkTest, APngMayHaveAnyNumberOfSmallChunks) {
  std::string chunks;
  for (int i = 0; i < 20'000; ++i) {
    absl::StrAppend(&chunks, PngChunk("tEXt", std::string("k\0v", 3)));
  }
  EXPECT_OK(DecodeImage(WithPngChunks(EncodePng(SmoothImage(8, 8, 3)), chunks), DecodeLimits(), 3, 0));
}

TEST(DecodeWorkTest, PixelsThatUnpackToMoreThanTheImageAreNotUnpacked) {
  const std::string png = EncodePng(SmoothImage(8, 8, 1));
  const std::string surplus = PngChunk("IDAT", Compressed(std::string(60 << 20, '\0')));
  const int64_t before = InflatedBytes();

  const absl::StatusOr<Image> image = DecodeImage(png.substr(0, png.find("IDAT") - 4) + surplus, DecodeLimits(), 3, 0);

  EXPECT_THAT(image, IsDecodeFailure());
  EXPECT_THAT(image, StatusMessage(HasSubstr("more compressed data than it has pixels")));
  EXPECT_LE(InflatedBytes() - before, 30 << 20);
}

// A progressive file with so many scans. The first one is repeated, from its header to the next table; a decoder accepts that.
std::string JpegWithScans(int count) {
  const std::string jpeg = EncodeProgressiveJpeg(SmoothImage(32, 32, 3));
  const size_t begin = jpeg.find("\xFF\xDA");
  const size_t end = jpeg.find("\xFF\xC4", begin);
  int scans = 0;
  for (size_t at = begin; at != std::string::npos; at = jpeg.find("\xFF\xDA", at + 1)) {
    ++scans;
  }
  std::string repeated = jpeg.substr(0, end);
  for (; scans < count; ++scans) {
    repeated += jpeg.substr(begin, end - begin);
  }
  return repeated + jpeg.substr(end);
}

TEST(DecodeWorkTest, AProgressiveJpegHasAtMost32Scans) {
  EXPECT_OK(DecodeImage(JpegWithScans(32), DecodeLimits(), 3, 0));
  for (const int scans : {33, 98, 5000}) {
    const absl::StatusOr<Image> image = DecodeImage(JpegWithScans(scans), DecodeLimits(), 3, 0);
    EXPECT_THAT(image, IsDecodeFailure());
    EXPECT_THAT(image, StatusMessage(HasSubstr("more than 32 scans")));
  }
}

class DecodeCheckTest : public ::testing::TestWithParam<std::pair<const char*, std::string>> {};

TEST_P(DecodeCheckTest, IsAskedInTheMiddleAndEndsTheDecoding) {
  const std::string& bytes = GetParam().second;
  int questions = 0;
  const auto answer = [&questions](int last) {
    return [&questions, last] { return ++questions < last ? absl::OkStatus() : absl::CancelledError("the client has gone"); };
  };
  ASSERT_OK(DecodeImage(bytes, DecodeLimits(), 3, 0, answer(1 << 30)));
  EXPECT_GE(questions, 3);
  EXPECT_LE(questions, 60) << "asking costs time as well";

  for (int last = 1; last <= 3; ++last) {
    questions = 0;
    EXPECT_THAT(DecodeImage(bytes, DecodeLimits(), 3, 0, answer(last)), StatusIs(absl::StatusCode::kCancelled));
    EXPECT_EQ(questions, last);
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, DecodeCheckTest,
                         ::testing::Values(std::make_pair("Jpeg", EncodeJpeg(SmoothImage(2000, 1200, 3))),
                                           std::make_pair("ProgressiveJpeg", EncodeProgressiveJpeg(SmoothImage(2000, 1200, 3))),
                                           std::make_pair("Png", EncodePng(SmoothImage(2000, 1200, 3))),
                                           std::make_pair("Gif", EncodeGif(SmoothImage(2000, 1200, 1))),
                                           std::make_pair("Bmp", EncodeBmp(SmoothImage(2000, 1200, 3))),
                                           std::make_pair("Tiff", EncodeTiff(SmoothImage(2000, 1200, 3)))),
                         [](const auto& test) { return test.param.first; });

TEST(DecodeCheckTest, IsAskedBeforeTheOnePartOfAWebp) {
  const std::string webp = EncodeWebp(SmoothImage(20, 12, 3));
  const DecodeCheck check = [] { return absl::DeadlineExceededError("late"); };
  EXPECT_THAT(DecodeImage(webp, DecodeLimits(), 3, 0, check), StatusIs(absl::StatusCode::kDeadlineExceeded));
}

}  // namespace
}  // namespace semblance::embedder
