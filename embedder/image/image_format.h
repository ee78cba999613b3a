// Tells the format of an image from its first bytes.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_EMBEDDER_IMAGE_IMAGE_FORMAT_H_
#define SEMBLANCE_EMBEDDER_IMAGE_IMAGE_FORMAT_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "embedder/image/decode.h"

namespace semblance::embedder {

// Returns the format that the bytes begin with. Errors: InvalidArgument, UNSUPPORTED_MEDIA for any other content; the message names
// the format where it is a known one, and says what to convert it to.
absl::StatusOr<ImageFormat> FormatOf(absl::string_view bytes);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_IMAGE_IMAGE_FORMAT_H_
