// Decodes images (JPEG, PNG, WebP) safely: format and size are read from the header, and checked, before any pixel is decoded. The
// codecs are libjpeg-turbo, libpng and libwebp.
//
// Supported: JPEG (baseline and progressive; gray, YCbCr, RGB, CMYK), PNG (every kind; 16 bits are rounded to 8), WebP (lossy,
// lossless, alpha). Animated WebP is refused, because only the client knows which frame is meant. Of metadata, only the EXIF
// orientation of JPEG is used; color profiles and gamma are not applied. Damage that a viewer would replace by gray, such as a JPEG
// that ends early or has a bad code in its data, is an error: otherwise the gray would be embedded.
//
// Thread-safe: functions without state.
//
// Errors (all InvalidArgument, field "image", the limit and the value in the message):
//   IMAGE_MISSING       no bytes
//   UNSUPPORTED_MEDIA   the content is neither JPEG, PNG nor WebP, or is animated (file names do not matter)
//   IMAGE_TOO_LARGE     more bytes or pixels, or a longer side, than the limits allow
//   IMAGE_DECODE_FAILED truncated or corrupt
#ifndef SEMBLANCE_EMBEDDER_IMAGE_DECODE_H_
#define SEMBLANCE_EMBEDDER_IMAGE_DECODE_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "embedder/image/image.h"

namespace semblance::embedder {

enum class ImageFormat { kJpeg, kPng, kWebp };

// The size as stored, before the EXIF orientation is applied.
struct ImageHeader {
  ImageFormat format = ImageFormat::kJpeg;
  int width = 0;
  int height = 0;
};

struct DecodeLimits {
  // Limit of the encoded bytes.
  int64_t max_bytes = int64_t{8} << 20;
  // Limit of width * height.
  int64_t max_pixels = 40'000'000;
  // Limit of max(width, height), in pixels.
  int max_side = 16384;
};

// Reads format and size, and checks the limits. Reads no pixel data.
absl::StatusOr<ImageHeader> ReadImageHeader(absl::string_view bytes, const DecodeLimits& limits);

// Decodes to 1 or 3 channels and applies the EXIF orientation. Alpha is composited over white. A JPEG that is much larger than
// needed is decoded at a reduced scale (1/2, 1/4, 1/8), at which its short side has at least `min_short_side` pixels; 0 decodes at
// full size. The result depends only on bytes, channels and min_short_side. REQUIRES: channels is 1 or 3.
absl::StatusOr<Image> DecodeImage(absl::string_view bytes, const DecodeLimits& limits, int channels, int min_short_side);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_IMAGE_DECODE_H_
