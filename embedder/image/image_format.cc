#include "embedder/image/image_format.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "embedder/image/codecs.h"

namespace semblance::embedder {
namespace {

bool HasAt(absl::string_view bytes, size_t offset, absl::string_view text) {
  return absl::StartsWith(bytes.substr(std::min(bytes.size(), offset)), text);
}

// HEIC and AVIF are in the container of MP4. Its first box names the brand, which tells them apart.
absl::string_view NameOfBoxes(absl::string_view bytes) {
  if (!HasAt(bytes, 4, "ftyp")) {
    return "";
  }
  if (HasAt(bytes, 8, "avi")) {
    return "an AVIF image";
  }
  for (const absl::string_view brand : {"hei", "hev", "hec", "mif1", "msf1"}) {
    if (HasAt(bytes, 8, brand)) {
      return "a HEIC image";
    }
  }
  return "a video";
}

// Returns the name of a format that people send, and that is not supported; empty for anything else.
absl::string_view NameOfOther(absl::string_view bytes) {
  static constexpr std::pair<absl::string_view, absl::string_view> kMagics[] = {
      {absl::string_view("\0\0\0\x0CjP  ", 8), "a JPEG 2000 image"},
      {"\xFF\x4F\xFF\x51", "a JPEG 2000 image"},
      {"\xFF\x0A", "a JPEG XL image"},
      {absl::string_view("\0\0\0\x0CJXL ", 8), "a JPEG XL image"},
      {absl::string_view("\0\0\1\0", 4), "an icon"},
      {absl::string_view("II\x2B\0", 4), "a BigTIFF image"},
      {absl::string_view("MM\0\x2B", 4), "a BigTIFF image"},
      {"8BPS", "a Photoshop document"},
      {"%PDF", "a PDF document"},
      {"P4\n", "a PNM image"},
      {"P5\n", "a PNM image"},
      {"P6\n", "a PNM image"},
  };
  for (const auto& [magic, name] : kMagics) {
    if (absl::StartsWith(bytes, magic)) {
      return name;
    }
  }
  const absl::string_view text = absl::StripLeadingAsciiWhitespace(bytes.substr(0, 256));
  if (absl::StrContains(text, "<svg")) {
    return "an SVG drawing";
  }
  return absl::StartsWithIgnoreCase(text, "<!doctype html") || absl::StartsWithIgnoreCase(text, "<html") ? "an HTML page" : "";
}

}  // namespace

absl::StatusOr<ImageFormat> FormatOf(absl::string_view bytes) {
  if (absl::StartsWith(bytes, "\xFF\xD8\xFF")) {
    return ImageFormat::kJpeg;
  }
  if (absl::StartsWith(bytes, "\x89PNG\r\n\x1A\n")) {
    return ImageFormat::kPng;
  }
  if (absl::StartsWith(bytes, "RIFF") && HasAt(bytes, 8, "WEBP")) {
    return ImageFormat::kWebp;
  }
  if (absl::StartsWith(bytes, "GIF87a") || absl::StartsWith(bytes, "GIF89a")) {
    return ImageFormat::kGif;
  }
  if (absl::StartsWith(bytes, "BM")) {
    return ImageFormat::kBmp;
  }
  if (absl::StartsWith(bytes, absl::string_view("II*\0", 4)) || absl::StartsWith(bytes, absl::string_view("MM\0*", 4))) {
    return ImageFormat::kTiff;
  }
  absl::string_view name = NameOfBoxes(bytes);
  name = name.empty() ? NameOfOther(bytes) : name;
  if (!name.empty()) {
    return UnsupportedImage(absl::StrCat("the bytes are ", name, ", which is not supported: convert it to JPEG or PNG"));
  }
  return UnsupportedImage("the bytes are no JPEG, PNG, WebP, GIF, BMP or TIFF image: convert the file to JPEG or PNG");
}

}  // namespace semblance::embedder
