// One function per format from bytes to a header, and one to pixels. Private to the library: callers want decode.h.
//
// Thread-safe: functions without state. Nothing is written to standard error, whatever the bytes are.
//
// Errors: InvalidArgument, field "image", reason IMAGE_DECODE_FAILED, or UNSUPPORTED_MEDIA for what the formats allow and we do not
// take (animated WebP).
#ifndef SEMBLANCE_EMBEDDER_IMAGE_CODECS_H_
#define SEMBLANCE_EMBEDDER_IMAGE_CODECS_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "embedder/image/decode.h"
#include "embedder/image/image.h"

namespace semblance::embedder {

// Readers of the size alone: no pixel is decoded. The sizes are not checked against any limit; both sides are at least 1.
absl::StatusOr<ImageHeader> ReadJpegHeader(absl::string_view bytes);
absl::StatusOr<ImageHeader> ReadPngHeader(absl::string_view bytes);
absl::StatusOr<ImageHeader> ReadWebpHeader(absl::string_view bytes);

// Decoders of everything, 8 bits a channel, as stored: 1 channel is grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha (not
// premultiplied). REQUIRES: the reader accepted the bytes, and the caller their size.
//
// JPEG comes in 1 channel when asked for 1, else in 3, each side divided by `scale` (1, 2, 4 or 8) and rounded up.
absl::StatusOr<Image> DecodeJpeg(absl::string_view bytes, int channels, int scale);
absl::StatusOr<Image> DecodePng(absl::string_view bytes);
absl::StatusOr<Image> DecodeWebp(absl::string_view bytes);

// "<format>: <detail>" as IMAGE_DECODE_FAILED.
absl::Status DecodeFailed(absl::string_view format, absl::string_view detail);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_IMAGE_CODECS_H_
