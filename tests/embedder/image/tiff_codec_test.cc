#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "embedder/image/codecs.h"
#include "tests/embedder/image/codec_checks.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_images.h"

namespace semblance::embedder {
namespace {

using ::semblance::testing::EncodeTiff;
using ::semblance::testing::HasReason;
using ::semblance::testing::NoiseImage;
using ::semblance::testing::StatusMessage;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int kWidth = 256, kHeight = 257, kBits = 258, kCompression = 259, kPhotometric = 262, kOffsets = 273, kSamples = 277,
              kRowsPerStrip = 278, kSizes = 279, kTileWidth = 322, kTileHeight = 323;

std::string Little(uint32_t value, int size) {
  std::string bytes;
  for (int i = 0; i < size; ++i) {
    bytes += static_cast<char>(value >> (8 * i));
  }
  return bytes;
}

// Tag to values.
using Tags = std::map<int, std::vector<uint32_t>>;

// A file with one directory. Its pixels begin at byte 8.
std::string Tiff(const Tags& tags, const std::string& pixels) {
  std::string file = std::string("II*\0", 4) + Little(static_cast<uint32_t>(8 + pixels.size()), 4) + pixels;
  const size_t directory_bytes = 2 + 12 * tags.size() + 4;
  std::string entries, values;
  for (const auto& [tag, numbers] : tags) {
    const auto count = static_cast<uint32_t>(numbers.size());
    entries += Little(static_cast<uint32_t>(tag), 2) + Little(4, 2) + Little(count, 4);
    if (count == 1) {
      entries += Little(numbers[0], 4);
      continue;
    }
    entries += Little(static_cast<uint32_t>(file.size() + directory_bytes + values.size()), 4);
    for (const uint32_t number : numbers) {
      values += Little(number, 4);
    }
  }
  return file + Little(static_cast<uint32_t>(tags.size()), 2) + entries + Little(0, 4) + values;
}

// 4 x 4 gray pixels in one strip.
Tags GrayTags() {
  return {{kWidth, {4}},   {kHeight, {4}},  {kBits, {8}},         {kCompression, {1}}, {kPhotometric, {1}},
          {kOffsets, {8}}, {kSamples, {1}}, {kRowsPerStrip, {4}}, {kSizes, {16}}};
}

std::string Pixels(size_t count) {
  std::string pixels;
  for (size_t i = 0; i < count; ++i) {
    pixels += static_cast<char>(i * 7);
  }
  return pixels;
}

TEST(DecodeTiff, GivesThePixelsOfAnotherEncoder) {
  const Image image = NoiseImage(31, 150, 3);
  const std::string tiff = EncodeTiff(image);
  ASSERT_OK_AND_ASSIGN(const ImageHeader header, ReadTiffHeader(tiff));
  EXPECT_EQ(header.format, ImageFormat::kTiff);
  EXPECT_EQ(header.width, 31);
  EXPECT_EQ(header.height, 150);
  ASSERT_OK_AND_ASSIGN(const Image decoded, DecodeTiff(tiff));
  EXPECT_EQ(LargestDifference(decoded, image), 0);
}

TEST(DecodeTiff, PutsStripsAndTilesWhereTheyBelong) {
  const std::string pixels = Pixels(200 * 4);
  Tags strips = GrayTags();
  strips[kHeight] = {200};
  strips[kRowsPerStrip] = {30};
  strips[kOffsets] = {8, 128, 248, 368, 488, 608, 728};
  strips[kSizes] = {120, 120, 120, 120, 120, 120, 80};
  ASSERT_OK_AND_ASSIGN(const Image image, DecodeTiff(Tiff(strips, pixels)));
  for (size_t i = 0; i < pixels.size(); ++i) {
    ASSERT_EQ(image.pixels[3 * i], static_cast<uint8_t>(pixels[i])) << i;
  }

  // Four tiles of 16 x 16 for 20 x 20 pixels.
  Tags tiles = GrayTags();
  tiles.erase(kRowsPerStrip);
  tiles.erase(kOffsets);
  tiles.erase(kSizes);
  tiles[kWidth] = tiles[kHeight] = {20};
  tiles[kTileWidth] = tiles[kTileHeight] = {16};
  tiles[324] = {8, 264, 520, 776};
  tiles[325] = {256, 256, 256, 256};
  const std::string tile_pixels = Pixels(1024);
  ASSERT_OK_AND_ASSIGN(const Image tiled, DecodeTiff(Tiff(tiles, tile_pixels)));
  for (size_t y = 0; y < 20; ++y) {
    for (size_t x = 0; x < 20; ++x) {
      const size_t tile = (y / 16 * 2 + x / 16) * 256;
      ASSERT_EQ(tiled.pixels[(y * 20 + x) * 3], static_cast<uint8_t>(tile_pixels[tile + y % 16 * 16 + x % 16])) << x << ", " << y;
    }
  }
}

TEST(DecodeTiff, RefusesStripsThatShareBytes) {
  Tags tags = GrayTags();
  const std::string file = Tiff(tags, Pixels(16));
  ASSERT_OK(DecodeTiff(file));
  tags[kRowsPerStrip] = {1};
  tags[kOffsets] = {8, 8, 8, 8};
  tags[kSizes] = std::vector<uint32_t>(4, static_cast<uint32_t>(file.size()));
  EXPECT_THAT(DecodeTiff(Tiff(tags, Pixels(16))), AllOf(IsDecodeFailure(), StatusMessage(HasSubstr("its strips have"))));
}

TEST(DecodeTiff, RefusesATileThatIsMuchLargerThanTheImage) {
  Tags tags = GrayTags();
  tags.erase(kRowsPerStrip);
  tags[kTileWidth] = tags[kTileHeight] = {1 << 16};
  EXPECT_THAT(DecodeTiff(Tiff(tags, Pixels(16))), AllOf(IsDecodeFailure(), StatusMessage(HasSubstr("the limit is 67108864"))));
}

TEST(DecodeTiff, ReadsTheSizeOfAHugeImageWithoutItsPixels) {
  Tags tags = GrayTags();
  tags[kWidth] = {1'000'000};
  tags[kHeight] = {1'000'000};
  ASSERT_OK_AND_ASSIGN(const ImageHeader header, ReadTiffHeader(Tiff(tags, "")));
  EXPECT_EQ(header.width, 1'000'000);
}

TEST(DecodeTiff, RefusesKindsWhoseWorkNobodyBounds) {
  // JPEG, the old JPEG, LZMA and ZSTD.
  for (const uint32_t compression : {7u, 6u, 34925u, 50000u}) {
    Tags tags = GrayTags();
    tags[kCompression] = {compression};
    EXPECT_THAT(ReadTiffHeader(Tiff(tags, Pixels(16))), HasReason("UNSUPPORTED_MEDIA")) << compression;
  }
  Tags samples = GrayTags();
  samples[kSamples] = {6};
  EXPECT_THAT(ReadTiffHeader(Tiff(samples, Pixels(16))), StatusMessage(HasSubstr("6 samples per pixel; the limit is 5")));
  Tags bits = GrayTags();
  bits[kBits] = {32};
  EXPECT_THAT(ReadTiffHeader(Tiff(bits, Pixels(64))), HasReason("UNSUPPORTED_MEDIA"));
}

TEST(DecodeTiff, RefusesAFileThatIsCutAnywhere) {
  const std::string tiff = Tiff(GrayTags(), Pixels(16));
  const size_t directory = 8 + 16;
  for (size_t size = 0; size < directory + 2 + 12 * 9; ++size) {
    const absl::StatusOr<Image> image = DecodeTiff(tiff.substr(0, size));
    EXPECT_THAT(image, testing::StatusIs(absl::StatusCode::kInvalidArgument)) << size;
  }
}

TEST(DecodeTiff, WritesNothingToStandardError) {
  ::testing::internal::CaptureStderr();
  DecodeTiff("II*").IgnoreError();
  DecodeTiff(Tiff(GrayTags(), "").substr(0, 40)).IgnoreError();
  Tags odd = GrayTags();
  odd[65000] = {1};
  odd[kSizes] = {3};
  DecodeTiff(Tiff(odd, Pixels(16))).IgnoreError();
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace semblance::embedder
