// Encoded images (JPEG, PNG, WebP) to pixels, safely: format and size are read from the header, and checked, before any pixel is
// decoded. Codecs: libjpeg-turbo, libpng, libwebp.
//
// Taken: JPEG (baseline and progressive; grey, YCbCr, RGB, CMYK), PNG (every kind; 16 bits are rounded to 8), WebP (lossy,
// lossless, alpha). Animated WebP is refused: which frame is meant is for the client to say. Only JPEG's EXIF orientation is read;
// colour profiles and gamma are not applied. Damage that a viewer would paint over in grey (a JPEG that ends early, a bad code in
// its data) is an error: an embedding of it would be one of the grey.
//
// Thread-safe: functions without state.
//
// Errors (all InvalidArgument, field "image", the limit and the value in the message):
//   IMAGE_MISSING       no bytes
//   UNSUPPORTED_MEDIA   neither JPEG, PNG nor WebP (by content; file names do not matter), or animated
//   IMAGE_TOO_LARGE     more bytes, pixels or side than the limits allow
//   IMAGE_DECODE_FAILED truncated or corrupt
#ifndef SEMBLANCE_EMBEDDER_IMAGE_DECODE_H_
#define SEMBLANCE_EMBEDDER_IMAGE_DECODE_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "embedder/image/image.h"

namespace semblance::embedder {

enum class ImageFormat { kJpeg, kPng, kWebp };

// As stored: before EXIF orientation.
struct ImageHeader {
  ImageFormat format = ImageFormat::kJpeg;
  int width = 0;
  int height = 0;
};

struct DecodeLimits {
  // Encoded bytes.
  int64_t max_bytes = int64_t{8} << 20;
  // width * height.
  int64_t max_pixels = 40'000'000;
  // max(width, height), in pixels.
  int max_side = 16384;
};

// Reads format and size, checking the limits. Looks at no pixel data.
absl::StatusOr<ImageHeader> ReadImageHeader(absl::string_view bytes, const DecodeLimits& limits);

// Decodes to 1 or 3 channels with EXIF orientation applied. Alpha is composited over white. A JPEG much larger than
// needed is decoded at reduced scale (1/2, 1/4, 1/8) as long as its short side stays at least `min_short_side` pixels; 0 decodes at
// full size. A function of (bytes, channels, min_short_side) alone. REQUIRES: channels is 1 or 3.
absl::StatusOr<Image> DecodeImage(absl::string_view bytes, const DecodeLimits& limits, int channels, int min_short_side);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_IMAGE_DECODE_H_
