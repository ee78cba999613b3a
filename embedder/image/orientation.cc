#include "embedder/image/orientation.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "embedder/image/byte_reader.h"

namespace semblance::embedder {
namespace {

constexpr int kUpright = 1;
constexpr uint32_t kOrientationTag = 0x0112;
constexpr size_t kDirectoryEntryBytes = 12;

// Returns how many bytes a value of this TIFF type has; 0 for types that hold no small number.
size_t NumberBytes(uint32_t type) {
  switch (type) {
    case 1:  // BYTE
      return 1;
    case 3:  // SHORT
      return 2;
    case 4:  // LONG
      return 4;
    default:
      return 0;
  }
}

// Reads the orientation tag in the first directory of a TIFF structure. An entry consists of tag, type, count and value, which is
// aligned to the left.
std::optional<uint32_t> ExifOrientation(absl::string_view exif) {
  const ByteReader tiff(exif, absl::StartsWith(exif, "MM"));
  const size_t directory = tiff.Number(4, 4).value_or(0);
  const size_t entries = tiff.Number(directory, 2).value_or(0);
  for (size_t i = 0; i < entries; ++i) {
    const size_t entry = directory + 2 + i * kDirectoryEntryBytes;
    const std::optional<uint32_t> tag = tiff.Number(entry, 2);
    if (!tag.has_value()) {
      break;
    }
    if (*tag == kOrientationTag) {
      const size_t size = NumberBytes(tiff.Number(entry + 2, 2).value_or(0));
      return size == 0 ? std::nullopt : tiff.Number(entry + 8, size);
    }
  }
  return std::nullopt;
}

// XMP writes the property as an attribute, tiff:Orientation="6", or as an element, <tiff:Orientation>6</tiff:Orientation>.
std::optional<uint32_t> XmpOrientation(absl::string_view xmp) {
  constexpr absl::string_view kProperty = "tiff:Orientation";
  for (size_t at = xmp.find(kProperty); at != absl::string_view::npos; at = xmp.find(kProperty, at + 1)) {
    absl::string_view rest = absl::StripLeadingAsciiWhitespace(xmp.substr(at + kProperty.size()));
    const bool is_element = absl::ConsumePrefix(&rest, ">");
    if (!is_element) {
      if (!absl::ConsumePrefix(&rest, "=")) {
        continue;
      }
      rest = absl::StripLeadingAsciiWhitespace(rest);
      if (!absl::ConsumePrefix(&rest, "\"") && !absl::ConsumePrefix(&rest, "'")) {
        continue;
      }
    }
    rest = absl::StripLeadingAsciiWhitespace(rest);
    const bool one_digit = !rest.empty() && absl::ascii_isdigit(rest[0]) && (rest.size() == 1 || !absl::ascii_isdigit(rest[1]));
    return one_digit ? std::optional<uint32_t>(rest[0] - '0') : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

int OrientationOf(const ImageMetadata& metadata) {
  std::optional<uint32_t> orientation = ExifOrientation(metadata.exif);
  if (!orientation.has_value()) {
    orientation = XmpOrientation(metadata.xmp);
  }
  return orientation >= 1u && orientation <= 8u ? static_cast<int>(*orientation) : kUpright;
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
