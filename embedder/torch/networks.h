// The embedding networks as LibTorch modules: a backbone (small convnet, ResNet-18, ResNet-50, BN-Inception, or a TorchScript
// program), pooling of its last feature map, and a linear head.
//
// Not thread-safe while trained; forward in evaluation mode without gradients may run concurrently.
//
// Parameters and buffers have the names of torchvision for ResNets and of the usual PyTorch port for BN-Inception, with
// "head.weight" and "head.bias" in place of the classifier. Those of the small convnet are "stage1.conv1.weight",
// "stage1.bn1.weight" and so on, counted from 1. A program keeps its own tensors (script_backbone.h). The constants of the input
// normalization come from the bundle's manifest and are not part of the state.
//
// Networks are initialized as conv_norm.h and LibTorch's Linear say, from LibTorch's default generator; seed it with
// torch::manual_seed.
#ifndef SEMBLANCE_EMBEDDER_TORCH_NETWORKS_H_
#define SEMBLANCE_EMBEDDER_TORCH_NETWORKS_H_

#include <torch/torch.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "embedder/torch/conv_norm.h"
#include "semblance/storage/v1/bundle.pb.h"

namespace semblance::embedder {

// The requirements that every network is made for.
struct NetworkSpec {
  storage::v1::Architecture architecture;
  storage::v1::Preprocessing preprocessing;
  int dimension = 0;
};

class EmbeddingNetImpl : public ConvNormModule {
 public:
  // Computes Head(Backbone(pixels)). `pixels` is uint8 [N, side, side, channels], N >= 1, as the Preprocessor makes them, on the
  // device of the network. The result is [N, dimension], float32, not normalized.
  torch::Tensor forward(const torch::Tensor& pixels);

  // The two halves of forward. The features between them are pooled, [N, inputs of the head], before the layer norm if there is
  // one.
  torch::Tensor Backbone(const torch::Tensor& pixels);
  torch::Tensor Head(const torch::Tensor& features);

  // The two together are all parameters(), in their order.
  std::vector<torch::Tensor> BackboneParameters() const;
  std::vector<torch::Tensor> HeadParameters() const;

  // Calls ConvNormModule::FreezeBatchNorm for the whole network. In a program it applies to the modules that are batch norms.
  virtual void FreezeBatchNorms();

  // Calls ConvNormModule::SetTrainingNorm for the whole network. The batch norms of a program do not change.
  void SetTrainingNorms(const TrainingNorm& norm);

  // Calls FoldBatchNorm for the whole network. A program does not change.
  void FoldForInference();

  // The content of backbone.pt: the program of torch_script with its tensors on the CPU, in evaluation mode. Empty for all other
  // networks. Throws LibTorch's exceptions.
  virtual std::string SerializeScript() const { return ""; }
  // Restores the tensors from a result of SerializeScript of the same network. Does nothing for all other networks. Throws
  // LibTorch's exceptions.
  virtual void LoadScript(const std::string& /*bytes*/) {}

 protected:
  explicit EmbeddingNetImpl(const NetworkSpec& spec);

  void RegisterHead(int64_t inputs);

  // Computes the last feature map, [N, features, height, width], of a normalized input, [N, channels, side, side] in channels-last
  // layout. A result of the shape [N, features] is not pooled.
  virtual torch::Tensor FeatureMap(torch::Tensor x) = 0;

  // True if FeatureMap, in training, also works with tensors in oneDNN's own layout (Tensor::to_mkldnn).
  virtual bool takes_onednn_layout() const { return false; }

  torch::Tensor Pool(const torch::Tensor& map) const;

 private:
  bool TrainsInOnednnLayout(const torch::Tensor& input) const;

  const storage::v1::Architecture::Pooling pooling_;
  const bool head_layer_norm_;
  const int dimension_;
  // input = pixel * scale + shift. These are buffers, so that they move with the network to its device.
  torch::Tensor input_scale_;
  torch::Tensor input_shift_;
  torch::nn::Linear head_ = nullptr;
};
TORCH_MODULE(EmbeddingNet);

// Makes a network on the CPU, in training mode, with new parameters. For torch_script, `script` has the bytes of backbone.pt, and
// the parameters are those in it. Errors: those of ValidateNetwork (embedder/bundle/manifest.h), and for torch_script those of
// NewScriptNet (script_backbone.h).
absl::StatusOr<EmbeddingNet> NewEmbeddingNet(const storage::v1::Architecture& architecture,
                                             const storage::v1::Preprocessing& preprocessing, int dimension,
                                             absl::string_view script = "");

// Scales the rows of [N, dimension] to unit length, in float32. A zero row stays zero. Differentiable. Training and serving both
// use this function.
torch::Tensor NormalizeRows(const torch::Tensor& embeddings);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_TORCH_NETWORKS_H_
