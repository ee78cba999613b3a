#include "embedder/image/orientation.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/strings/match.h"

namespace semblance::embedder {
namespace {

constexpr int kUpright = 1;
constexpr uint8_t kStartOfScan = 0xDA;
constexpr uint8_t kApp1 = 0xE1;
constexpr uint32_t kOrientationTag = 0x0112;
constexpr size_t kDirectoryEntryBytes = 12;

// Reads numbers of either byte order at any offset; returns nothing past the end.
class TiffReader {
 public:
  explicit TiffReader(absl::string_view bytes) : bytes_(bytes), big_endian_(absl::StartsWith(bytes, "MM")) {}

  std::optional<uint32_t> Number(size_t offset, size_t size) const {
    if (offset > bytes_.size() || size > bytes_.size() - offset) {
      return std::nullopt;
    }
    uint32_t value = 0;
    for (size_t i = 0; i < size; ++i) {
      const size_t at = big_endian_ ? i : size - 1 - i;
      value = value << 8 | static_cast<uint8_t>(bytes_[offset + at]);
    }
    return value;
  }

 private:
  const absl::string_view bytes_;
  const bool big_endian_;
};

// Reads the orientation tag in the first directory of a TIFF structure.
int TiffOrientation(absl::string_view bytes) {
  const TiffReader tiff(bytes);
  const size_t directory = tiff.Number(4, 4).value_or(0);
  const size_t entries = tiff.Number(directory, 2).value_or(0);
  for (size_t i = 0; i < entries; ++i) {
    const size_t entry = directory + 2 + i * kDirectoryEntryBytes;
    if (tiff.Number(entry, 2) == kOrientationTag) {
      const uint32_t value = tiff.Number(entry + 8, 2).value_or(kUpright);
      return value >= 1 && value <= 8 ? static_cast<int>(value) : kUpright;
    }
  }
  return kUpright;
}

}  // namespace

int JpegOrientation(absl::string_view jpeg) {
  constexpr absl::string_view kExif("Exif\0\0", 6);
  // A segment consists of FF, marker, length (which includes itself) and payload. The first EXIF segment counts.
  size_t at = 2;
  while (at + 4 <= jpeg.size() && static_cast<uint8_t>(jpeg[at]) == 0xFF) {
    const auto marker = static_cast<uint8_t>(jpeg[at + 1]);
    if (marker == 0xFF) {  // Padding.
      ++at;
      continue;
    }
    const size_t length = static_cast<size_t>(static_cast<uint8_t>(jpeg[at + 2])) << 8 | static_cast<uint8_t>(jpeg[at + 3]);
    if (marker == kStartOfScan || length < 2) {
      break;
    }
    const absl::string_view payload = jpeg.substr(at + 4, length - 2);
    if (marker == kApp1 && absl::StartsWith(payload, kExif)) {
      return TiffOrientation(payload.substr(kExif.size()));
    }
    at += 2 + length;
  }
  return kUpright;
}

Image Upright(Image image, int orientation) {
  if (orientation == kUpright) {
    return image;
  }
  const bool exchange = orientation >= 5;
  // True when walking along a row or a column of the stored image must go backwards.
  const bool backwards_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool backwards_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const ptrdiff_t channels = image.channels;
  const ptrdiff_t stride = image.width * channels;
  const ptrdiff_t step_x = backwards_x ? -channels : channels;
  const ptrdiff_t step_y = backwards_y ? -stride : stride;
  const uint8_t* row =
      image.pixels.data() + (backwards_x ? stride - channels : 0) + (backwards_y ? (image.height - 1) * stride : 0);

  Image upright = {exchange ? image.height : image.width, exchange ? image.width : image.height, image.channels, {}};
  upright.pixels.resize(image.pixels.size());
  uint8_t* out = upright.pixels.data();
  for (int y = 0; y < upright.height; ++y, row += exchange ? step_x : step_y) {
    const uint8_t* pixel = row;
    for (int x = 0; x < upright.width; ++x, pixel += exchange ? step_y : step_x) {
      out = std::copy_n(pixel, channels, out);
    }
  }
  return upright;
}

}  // namespace semblance::embedder
