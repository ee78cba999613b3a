// Weights of a published network into one of ours, by name.
//
// Not thread-safe: writes the network.
#ifndef SEMBLANCE_EMBEDDER_TORCH_PRETRAINED_H_
#define SEMBLANCE_EMBEDDER_TORCH_PRETRAINED_H_

#include <string>

#include "absl/status/statusor.h"
#include "embedder/bundle/safetensors.h"
#include "embedder/torch/networks.h"

namespace semblance::embedder {

struct PretrainedReport {
  // Tensors of the network that came from the file.
  int taken = 0;
  // Tensors of the file that were left out: its classifier.
  int ignored = 0;
};

// A .safetensors or .pth file, told apart by content. Errors: as of ReadFile, ParseSafetensors and ParsePth.
absl::StatusOr<TensorMap> ReadWeights(const std::string& path);

// Copies `weights` into everything but the head. The classifier (fc, last_linear, head) is ignored; "module." before all names is
// dropped; a [1, C] tensor fits [C]; counters of batch norms, which older files lack, may be missing. All else must be there and
// fit. With is_bgr the first convolution is turned around: its network took blue, green, red. Errors: InvalidArgument, and the
// network unchanged, when a tensor is missing, unknown or of another type or shape: how many, and the first few. REQUIRES: no
// torch_script.
absl::StatusOr<PretrainedReport> LoadPretrained(const TensorMap& weights, bool is_bgr, EmbeddingNet& net);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_TORCH_PRETRAINED_H_
