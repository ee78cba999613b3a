// Each format has a function that reads the header, and one that decodes the pixels. Private to the library; callers use decode.h.
//
// Thread-safe: functions without state. Nothing is written to standard error, whatever the bytes are.
//
// Errors: InvalidArgument with field "image". The reason is UNSUPPORTED_MEDIA for kinds of a format that are valid but not
// supported, else IMAGE_DECODE_FAILED. What a DecodeCheck
// returns comes back as it is.
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
absl::StatusOr<ImageHeader> ReadGifHeader(absl::string_view bytes);
absl::StatusOr<ImageHeader> ReadBmpHeader(absl::string_view bytes);
absl::StatusOr<ImageHeader> ReadTiffHeader(absl::string_view bytes);

// Decode all pixels, with 8 bits per channel: 1 channel is gray, 2 are gray and alpha, 3 RGB, 4 RGB and alpha (not premultiplied).
// REQUIRES: the reader accepted the bytes, and the caller accepts their size.
//
// DecodeJpeg gives 1 channel when asked for 1, else 3. Each side is divided by `scale` (1, 2, 4 or 8) and rounded up.
absl::StatusOr<Image> DecodeJpeg(absl::string_view bytes, int channels, int scale, const DecodeCheck& check = nullptr);
absl::StatusOr<Image> DecodePng(absl::string_view bytes, const DecodeCheck& check = nullptr);
absl::StatusOr<Image> DecodeWebp(absl::string_view bytes);
absl::StatusOr<Image> DecodeGif(absl::string_view bytes, const DecodeCheck& check = nullptr);
absl::StatusOr<Image> DecodeBmp(absl::string_view bytes, const DecodeCheck& check = nullptr);
absl::StatusOr<Image> DecodeTiff(absl::string_view bytes, const DecodeCheck& check = nullptr);

// Returns IMAGE_DECODE_FAILED with the message "<format>: <detail>".
absl::Status DecodeFailed(absl::string_view format, absl::string_view detail);

// Returns UNSUPPORTED_MEDIA with that message.
absl::Status UnsupportedImage(absl::string_view message);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_IMAGE_CODECS_H_
