#include "embedder/image/metadata.h"

#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "embedder/image/byte_reader.h"

namespace semblance::embedder {
namespace {

// With this a JPEG's segment of EXIF begins. Some programs write it into WebP files, too.
constexpr absl::string_view kExifPrefix("Exif\0\0", 6);
constexpr absl::string_view kXmpPrefix("http://ns.adobe.com/xap/1.0/\0", 29);
// The beginning of a PNG's text chunk: the keyword, "not compressed", the method of compression, no language, no translation.
constexpr absl::string_view kXmpTextPrefix("XML:com.adobe.xmp\0\0\0\0\0", 22);

void SetOnce(absl::string_view value, absl::string_view& block) {
  if (block.empty()) {
    block = value;
  }
}

// A segment consists of FF, marker, length (which includes itself) and payload. Some cameras leave other bytes between segments.
ImageMetadata FindInJpeg(absl::string_view bytes) {
  constexpr uint8_t kStartOfScan = 0xDA;
  constexpr uint8_t kApp1 = 0xE1;
  ImageMetadata found;
  size_t at = 2;
  while (at + 4 <= bytes.size()) {
    const auto marker = static_cast<uint8_t>(bytes[at + 1]);
    if (static_cast<uint8_t>(bytes[at]) != 0xFF || marker == 0xFF || marker == 0) {
      ++at;
      continue;
    }
    const size_t length = ByteReader(bytes, /*big_endian=*/true).Number(at + 2, 2).value_or(0);
    if (marker == kStartOfScan || length < 2) {
      break;
    }
    const absl::string_view payload = bytes.substr(at + 4, length - 2);
    if (marker == kApp1 && absl::StartsWith(payload, kExifPrefix)) {
      SetOnce(payload.substr(kExifPrefix.size()), found.exif);
    } else if (marker == kApp1 && absl::StartsWith(payload, kXmpPrefix)) {
      SetOnce(payload.substr(kXmpPrefix.size()), found.xmp);
    }
    at += 2 + length;
  }
  return found;
}

// A chunk consists of length, type, payload and checksum, which covers type and payload.
ImageMetadata FindInPng(absl::string_view bytes) {
  constexpr size_t kSignature = 8;
  constexpr size_t kFrame = 12;
  const ByteReader reader(bytes, /*big_endian=*/true);
  ImageMetadata found;
  size_t at = kSignature;
  while (at + kFrame <= bytes.size()) {
    const size_t length = reader.Number(at, 4).value_or(0);
    const absl::string_view type = bytes.substr(at + 4, 4);
    if (length > bytes.size() - at - kFrame || type == "IEND") {
      break;
    }
    const absl::string_view payload = bytes.substr(at + 8, length);
    if (type == "eXIf" || (type == "iTXt" && absl::StartsWith(payload, kXmpTextPrefix))) {
      const auto* data = reinterpret_cast<const Bytef*>(type.data());
      if (crc32(crc32(0, nullptr, 0), data, static_cast<uInt>(length + 4)) == reader.Number(at + 8 + length, 4)) {
        type == "eXIf" ? SetOnce(payload, found.exif) : SetOnce(payload.substr(kXmpTextPrefix.size()), found.xmp);
      }
    }
    at += kFrame + length;
  }
  return found;
}

// A chunk consists of type, length and payload, which is padded to an even length.
ImageMetadata FindInWebp(absl::string_view bytes) {
  constexpr size_t kRiffHeader = 12;
  const ByteReader reader(bytes, /*big_endian=*/false);
  ImageMetadata found;
  size_t at = kRiffHeader;
  while (at + 8 <= bytes.size()) {
    const absl::string_view type = bytes.substr(at, 4);
    const size_t length = reader.Number(at + 4, 4).value_or(0);
    if (length > bytes.size() - at - 8) {
      break;
    }
    const absl::string_view payload = bytes.substr(at + 8, length);
    if (type == "EXIF") {
      SetOnce(absl::StripPrefix(payload, kExifPrefix), found.exif);
    } else if (type == "XMP ") {
      SetOnce(payload, found.xmp);
    }
    at += 8 + length + length % 2;
  }
  return found;
}

}  // namespace

ImageMetadata FindMetadata(ImageFormat format, absl::string_view bytes) {
  switch (format) {
    case ImageFormat::kJpeg:
      return FindInJpeg(bytes);
    case ImageFormat::kPng:
      return FindInPng(bytes);
    case ImageFormat::kWebp:
      return FindInWebp(bytes);
    case ImageFormat::kTiff:
      return {.exif = bytes, .xmp = ""};
    case ImageFormat::kBmp:
    case ImageFormat::kGif:
      return {};
  }
  return {};
}

}  // namespace semblance::embedder
