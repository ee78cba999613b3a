// The state of a network (every parameter and buffer, by name) to and from host tensors: what model.safetensors holds. Of a network
// with a TorchScript backbone that is the head alone; the program keeps its tensors in backbone.pt.
//
// Not thread-safe: reads and writes the network.
#ifndef SEMBLANCE_EMBEDDER_TORCH_STATE_H_
#define SEMBLANCE_EMBEDDER_TORCH_STATE_H_

#include <torch/torch.h>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "embedder/bundle/safetensors.h"
#include "embedder/torch/networks.h"

namespace semblance::embedder {

// Parameters and buffers, the counters of batch norms included (I64 scalars), from whatever device the network is on.
TensorMap StateOf(const EmbeddingNet& net);

// Copies `state` into the network, on its device. Errors: FailedPrecondition/MANIFEST_INVALID, and the network unchanged, when a
// tensor is missing, unknown or of another type or shape (name, expected, found).
absl::Status LoadState(EmbeddingNet& net, const TensorMap& state);

// One tensor as the host sees it: float32 or int64, row-major. REQUIRES: `tensor` is of one of the two types.
HostTensor ToHostTensor(const torch::Tensor& tensor);

// A copy on the CPU. REQUIRES: `tensor` is well-formed (as from ParseSafetensors).
torch::Tensor ToTorchTensor(const HostTensor& tensor);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_TORCH_STATE_H_
