// Converts the state of a network (every parameter and buffer, by name) to and from host tensors, which model.safetensors holds.
// The state of a network with a TorchScript backbone is only the head; the program keeps its tensors in backbone.pt.
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

// Returns parameters and buffers, including the counters of batch norms (I64 scalars). The network may be on any device.
TensorMap StateOf(const EmbeddingNet& net);

// Copies `state` into the network, on its device. Errors: FailedPrecondition/MANIFEST_INVALID if a tensor is missing, unknown or of
// another type or shape (name, expected, found); the network then does not change.
absl::Status LoadState(EmbeddingNet& net, const TensorMap& state);

// Copies one tensor to the host, row-major. REQUIRES: `tensor` is float32 or int64.
HostTensor ToHostTensor(const torch::Tensor& tensor);

// Copies one tensor to the CPU. REQUIRES: `tensor` is well-formed, as those of ParseSafetensors are.
torch::Tensor ToTorchTensor(const HostTensor& tensor);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_TORCH_STATE_H_
