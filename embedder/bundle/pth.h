// Named tensors from the .pth files of torch.save, without Python and without running what is in them: a state_dict, or a
// checkpoint that holds one as "state_dict". Both layouts: the zip archive (PyTorch 1.6 and later) and the sequence of pickles
// before it.
//
// Thread-safe: functions without state.
//
// Errors: DataLoss for a file that is cut short or contradicts itself (what, and where). InvalidArgument for one that holds no
// tensors by name, or a tensor that is not float32 or int64 (which, and its type).
#ifndef SEMBLANCE_EMBEDDER_BUNDLE_PTH_H_
#define SEMBLANCE_EMBEDDER_BUNDLE_PTH_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "embedder/bundle/safetensors.h"

namespace semblance::embedder {

// By content: neither of the layouts begins like a safetensors file.
bool IsPth(absl::string_view bytes);

// Entries of the dictionary that are no tensors are left out. `name` is used in messages.
absl::StatusOr<TensorMap> ParsePth(absl::string_view bytes, absl::string_view name);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_BUNDLE_PTH_H_
