// The embedding networks as LibTorch modules: a backbone (small convnet, ResNet-18, ResNet-50) and a linear head.
//
// Not thread-safe while trained; forward in evaluation mode without gradients may run concurrently.
//
// Names of parameters and buffers: those of torchvision for ResNets, "head.weight" and "head.bias" in place of "fc"; for the small
// convnet "stage1.conv1.weight", "stage1.bn1.weight" and so on, from 1. The constants of the input normalisation come from the
// bundle's manifest and are no part of the state. Convolution weights are kept channels-last.
//
// Initialisation is that of torchvision's ResNet (convolutions: Kaiming normal, fan-out; batch norms: 1 and 0) and of torch's
// Linear, from the default generator: seed it with torch::manual_seed.
#ifndef SEMBLANCE_EMBEDDER_TORCH_NETWORKS_H_
#define SEMBLANCE_EMBEDDER_TORCH_NETWORKS_H_

#include <torch/torch.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "semblance/storage/v1/bundle.pb.h"

namespace semblance {

// A module made of convolutions without bias, each followed by a batch norm, so that the two can become one for inference.
class ConvNormModule : public torch::nn::Module {
 public:
  // Merges each batch norm into its convolution: the same function in evaluation mode, with less to compute. For inference only:
  // the module can neither be trained nor saved afterwards.
  void FoldBatchNorm();

 protected:
  // Registers the pair under the two names; pairs are numbered in the order of their registration.
  void AddConvNorm(const std::string& conv_name, const std::string& norm_name, torch::nn::Conv2dOptions options);

  // The pair of that number, applied.
  torch::Tensor ConvNorm(size_t number, const torch::Tensor& x) const;

 private:
  struct Pair {
    torch::nn::Conv2d conv;
    torch::nn::BatchNorm2d norm;
  };

  std::vector<Pair> pairs_;
  bool folded_ = false;
};

class EmbeddingNetImpl : public ConvNormModule {
 public:
  // uint8 pixels [N, side, side, channels], as the Preprocessor makes them, on the device of the network -> embeddings
  // [N, dimension], float32, not normalised. N >= 1.
  torch::Tensor forward(const torch::Tensor& pixels);

  // FoldBatchNorm for the whole network.
  void FoldForInference();

 protected:
  explicit EmbeddingNetImpl(const storage::v1::Preprocessing& preprocessing);

  void RegisterHead(int64_t inputs, int64_t dimension);

  // Normalised input [N, channels, side, side], channels-last -> inputs of the head [N, inputs].
  virtual torch::Tensor Features(torch::Tensor x) = 0;

 private:
  // input = pixel * scale + shift. Buffers, so that they follow the network to its device.
  torch::Tensor input_scale_;
  torch::Tensor input_shift_;
  torch::nn::Linear head_ = nullptr;
};
TORCH_MODULE(EmbeddingNet);

// A freshly initialised network on the CPU, in training mode. Errors: as of ValidateNetwork (embedder/manifest.h).
absl::StatusOr<EmbeddingNet> NewEmbeddingNet(const storage::v1::Architecture& architecture,
                                             const storage::v1::Preprocessing& preprocessing, int dimension);

// Rows of [N, dimension] scaled to unit length, in float32; a zero row stays zero. Differentiable. Used alike in training and
// serving.
torch::Tensor NormalizeRows(const torch::Tensor& embeddings);

}  // namespace semblance

#endif  // SEMBLANCE_EMBEDDER_TORCH_NETWORKS_H_
