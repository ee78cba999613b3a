// Decodes images safely: format and size are read from the header, and checked, before any pixel is decoded. The work of decoding
// is bounded by the size of the image and of its bytes, whatever these say.
//
// Supported:
//   JPEG  baseline and progressive, at most 32 scans; gray, YCbCr, RGB, CMYK
//   PNG   every kind; 16 bits are rounded to 8; of an animation its default image
//   WebP  lossy, lossless, alpha; of an animation the first frame
//   GIF   the first frame
//   BMP   1 to 32 bits per pixel, run lengths included
//   TIFF  the first page; up to 16 bits per channel; not compressed, or with LZW, Deflate, PackBits or a fax code
// Metadata is skipped and never unpacked. Of it only the orientation is used, from EXIF or else from XMP; color profiles and gamma
// are not applied. Damage that a viewer would replace by gray, such as a JPEG that ends early or has a bad code in its data, is an
// error: otherwise the gray would be embedded. What follows the last pixel may be missing or damaged, except the end marker of
// JPEG.
//
// HEIC, AVIF and other formats are refused by name. Debian's libheif has no limits on what its decoders allocate and compute.
//
// Thread-safe: functions without state.
//
// Errors (all InvalidArgument, field "image", the limit and the value in the message), and what a DecodeCheck returns:
//   IMAGE_MISSING       no bytes
//   UNSUPPORTED_MEDIA   the content is in none of these formats (file names do not matter)
//   IMAGE_TOO_LARGE     more bytes or pixels, or a longer side, than the limits allow
//   IMAGE_DECODE_FAILED truncated or corrupt, or more work than such an image should take (scans, strips)
#ifndef SEMBLANCE_EMBEDDER_IMAGE_DECODE_H_
#define SEMBLANCE_EMBEDDER_IMAGE_DECODE_H_

#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "embedder/image/image.h"

namespace semblance::embedder {

enum class ImageFormat { kJpeg, kPng, kWebp, kGif, kBmp, kTiff };

// The size as stored, before the orientation is applied.
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

// Says whether to go on. It is asked before the pixels and about once per million pixels of work, which is every few milliseconds;
// a WebP is decoded without a question. An error ends the decoding, which returns that error as it is. A null check always goes on.
using DecodeCheck = std::function<absl::Status()>;

// Reads format and size, and checks the limits. Reads no pixel data.
absl::StatusOr<ImageHeader> ReadImageHeader(absl::string_view bytes, const DecodeLimits& limits);

// Decodes to 1 or 3 channels and applies the orientation. Alpha is composited over white. A JPEG that is much larger than needed is
// decoded at a reduced scale (1/2, 1/4, 1/8), at which its short side has at least `min_short_side` pixels; 0 decodes at full size.
// The result depends only on bytes, channels and min_short_side. REQUIRES: channels is 1 or 3.
absl::StatusOr<Image> DecodeImage(absl::string_view bytes, const DecodeLimits& limits, int channels, int min_short_side,
                                  const DecodeCheck& check = nullptr);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_IMAGE_DECODE_H_
