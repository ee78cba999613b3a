// Encodes gray pixels as PNG with libpng.
//
// Thread-safe: a function without state.
#ifndef SEMBLANCE_DATASET_PNG_ENCODER_H_
#define SEMBLANCE_DATASET_PNG_ENCODER_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace semblance::dataset {

// Returns an 8-bit gray PNG. The bytes depend only on the pixels and on the version of libpng. REQUIRES: width, height >= 1;
// pixels.size() == width * height (rows from the top). Errors: Internal, with the message of libpng.
absl::StatusOr<std::string> EncodeGrayPng(absl::string_view pixels, int width, int height);

}  // namespace semblance::dataset

#endif  // SEMBLANCE_DATASET_PNG_ENCODER_H_
