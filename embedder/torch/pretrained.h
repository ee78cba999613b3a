// Copies the weights of a published network into one of ours, by name.
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
  // The number of tensors of the network that were copied from the file.
  int taken = 0;
  // The number of tensors of the file that were left out, because they belong to its classifier.
  int ignored = 0;
};

// Reads a .safetensors or .pth file; the content decides which of them it is. Errors: those of ReadFile, ParseSafetensors and
// ParsePth.
absl::StatusOr<TensorMap> ReadWeights(const std::string& path);

// Copies `weights` into everything but the head. The classifier (fc, last_linear, head) is ignored. If all names begin with
// "module.", it is removed. A [1, C] tensor fits [C]. Counters of batch norms may be missing, because older files do not have them.
// Everything else must be there and fit. is_bgr says that the network of the file took blue, green, red; the channels of the first
// convolution are then reversed. Errors: InvalidArgument if a tensor is missing, unknown or of another type or shape; the message
// has their number and the first few, and the network does not change. REQUIRES: the network is no torch_script.
absl::StatusOr<PretrainedReport> LoadPretrained(const TensorMap& weights, bool is_bgr, EmbeddingNet& net);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_TORCH_PRETRAINED_H_
