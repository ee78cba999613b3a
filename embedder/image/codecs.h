// Each format has a function that reads the header, and one that decodes the pixels. Private to the library; callers use decode.h.
//
// Thread-safe: functions without state. Nothing is written to standard error, whatever the bytes are.
//
// Errors: InvalidArgument with field "image". The reason is UNSUPPORTED_MEDIA for animated WebP, which is valid but not supported,
// else IMAGE_DECODE_FAILED.
#ifndef SEMBLANCE_EMBEDDER_IMAGE_CODECS_H_
#define SEMBLANCE_EMBEDDER_IMAGE_CODECS_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "embedder/image/decode.h"
#include "embedder/image/image.h"

namespace semblance::embedder {

// Read format and size, and decode no pixel. Both sides are at least 1. No upper limit is checked.
absl::StatusOr<ImageHeader> ReadJpegHeader(absl::string_view bytes);
absl::StatusOr<ImageHeader> ReadPngHeader(absl::string_view bytes);
absl::StatusOr<ImageHeader> ReadWebpHeader(absl::string_view bytes);

// Decode all pixels, with 8 bits per channel. PNG and WebP keep their channels: 1 is gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha
// (not premultiplied). REQUIRES: the reader accepted the bytes, and the caller accepts their size.
//
// DecodeJpeg gives 1 channel when asked for 1, else 3. Each side is divided by `scale` (1, 2, 4 or 8) and rounded up.
absl::StatusOr<Image> DecodeJpeg(absl::string_view bytes, int channels, int scale);
absl::StatusOr<Image> DecodePng(absl::string_view bytes);
absl::StatusOr<Image> DecodeWebp(absl::string_view bytes);

// Returns IMAGE_DECODE_FAILED with the message "<format>: <detail>".
absl::Status DecodeFailed(absl::string_view format, absl::string_view detail);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_IMAGE_CODECS_H_
