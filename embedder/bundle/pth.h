// Reads named tensors from the .pth files of torch.save, without Python and without running any code in them. A file holds a
// state_dict, or a checkpoint with an entry "state_dict". Both layouts are supported: the zip archive of PyTorch 1.6 and later, and
// the sequence of pickles of older versions.
//
// Thread-safe: functions without state.
//
// Errors: DataLoss for a file that is cut short or contradicts itself. InvalidArgument for a file without named tensors, or with a
// tensor that is neither float32 nor int64. Messages say what is wrong, and where.
#ifndef SEMBLANCE_EMBEDDER_BUNDLE_PTH_H_
#define SEMBLANCE_EMBEDDER_BUNDLE_PTH_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "embedder/bundle/safetensors.h"

namespace semblance::embedder {

// Returns true for the content of a .pth file. Neither layout begins like a safetensors file.
bool IsPth(absl::string_view bytes);

// Returns the tensors of a file. Entries that are not tensors are left out. `name` is used in messages.
absl::StatusOr<TensorMap> ParsePth(absl::string_view bytes, absl::string_view name);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_BUNDLE_PTH_H_
