#include <cstdint>
#include <string>

#include "embedder/image/codecs.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/embedder/image/codec_checks.h"
#include "tests/testing/test_images.h"

namespace semblance::embedder {
namespace {

using ::semblance::testing::EncodePng;
using ::semblance::testing::EncodePng16;
using ::semblance::testing::NoiseImage;
using ::semblance::testing::PngOfClaimedSize;

TEST(ReadPngHeader, GivesTheSizeWithoutThePixels) {
  const absl::StatusOr<ImageHeader> header = ReadPngHeader(PngOfClaimedSize(70'000, 3));
  ASSERT_OK(header);
  EXPECT_EQ(header->format, ImageFormat::kPng);
  EXPECT_EQ(header->width, 70'000);
  EXPECT_EQ(header->height, 3);
}

TEST(ReadPngHeader, TakesTheLargestSideOfTheFormatAndRefusesMore) {
  EXPECT_OK(ReadPngHeader(PngOfClaimedSize(INT32_MAX, 1)));
  EXPECT_THAT(ReadPngHeader(PngOfClaimedSize(INT32_MIN, 1)), IsDecodeFailure()) << "2^31";
  EXPECT_THAT(ReadPngHeader(PngOfClaimedSize(1, -1)), IsDecodeFailure()) << "2^32 - 1";
  EXPECT_THAT(ReadPngHeader(PngOfClaimedSize(0, 1)), IsDecodeFailure());
  EXPECT_THAT(ReadPngHeader(PngOfClaimedSize(1, 0)), IsDecodeFailure());
}

TEST(ReadPngHeader, RefusesAFileThatEndsBeforeItsSizes) {
  const std::string png = PngOfClaimedSize(8, 8);
  for (size_t size = 0; size < 24; ++size) {
    EXPECT_THAT(ReadPngHeader(png.substr(0, size)), IsDecodeFailure()) << size;
  }
  std::string other_chunk = png;
  other_chunk.replace(12, 4, "IDAT");
  EXPECT_THAT(ReadPngHeader(other_chunk), IsDecodeFailure());
}

TEST(DecodePng, GivesThePixelsAndChannelsAsStored) {
  for (const int channels : {1, 3, 4}) {
    const Image image = NoiseImage(31, 17, channels);
    const absl::StatusOr<Image> decoded = DecodePng(EncodePng(image));
    ASSERT_OK(decoded);
    EXPECT_EQ(LargestDifference(*decoded, image), 0) << channels;
  }
}

TEST(DecodePng, RoundsSixteenBitsToEight) {
  const Image image = NoiseImage(31, 17, 3);
  const absl::StatusOr<Image> decoded = DecodePng(EncodePng16(image));
  ASSERT_OK(decoded);
  EXPECT_EQ(LargestDifference(*decoded, image), 0);
}

TEST(DecodePng, SaysThatAFileEndsEarly) {
  const std::string png = EncodePng(NoiseImage(31, 17, 3));
  const size_t pixels_end = png.size() - 12;  // Only the chunk that marks the end follows.
  EXPECT_OK(DecodePng(png.substr(0, pixels_end)));
  for (size_t size = 24; size < pixels_end; size += 13) {
    EXPECT_THAT(DecodePng(png.substr(0, size)), IsDecodeFailure()) << size;
  }
  EXPECT_THAT(DecodePng(png.substr(0, 60)), testing::StatusMessage(::testing::HasSubstr("ends early")));
}

TEST(DecodePng, RefusesAFlippedByteOfThePixels) {
  std::string png = EncodePng(NoiseImage(31, 17, 3));
  const size_t data = png.find("IDAT") + 4;
  for (size_t at = data; at < data + 40; ++at) {
    std::string damaged = png;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x20);
    EXPECT_THAT(DecodePng(damaged), IsDecodeFailure()) << "chunks have checksums";
  }
}

TEST(DecodePng, WritesNothingToStandardError) {
  ::testing::internal::CaptureStderr();
  DecodePng("no png").IgnoreError();
  DecodePng(PngOfClaimedSize(8, 8)).IgnoreError();
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace semblance::embedder
