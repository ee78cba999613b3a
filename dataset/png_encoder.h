// Grey pixels to PNG bytes, by libpng.
//
// Thread-safe: a function without state.
#ifndef SEMBLANCE_DATASET_PNG_ENCODER_H_
#define SEMBLANCE_DATASET_PNG_ENCODER_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace semblance::dataset {

// An 8-bit grey PNG. The bytes depend on the pixels, the version of libpng and nothing else. REQUIRES: width, height >= 1;
// pixels.size() == width * height (rows from the top). Errors: Internal, with libpng's words.
absl::StatusOr<std::string> EncodeGrayPng(absl::string_view pixels, int width, int height);

}  // namespace semblance::dataset

#endif  // SEMBLANCE_DATASET_PNG_ENCODER_H_
