// The embedding networks as LibTorch modules: a backbone (small convnet, ResNet-18, ResNet-50, BN-Inception, or a TorchScript
// program), pooling of its last feature map, and a linear head.
//
// Not thread-safe while trained; forward in evaluation mode without gradients may run concurrently.
//
// Names of parameters and buffers: those of torchvision for ResNets and of the usual PyTorch port for BN-Inception, with
// "head.weight" and "head.bias" in place of the classifier; for the small convnet "stage1.conv1.weight", "stage1.bn1.weight" and so
// on, from 1. A program keeps its own tensors (script_backbone.h). The constants of the input normalisation come from the bundle's
// manifest and are no part of the state.
//
// Initialisation is that of conv_norm.h and of torch's Linear, from the default generator: seed it with torch::manual_seed.
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

// What every network is made for.
struct NetworkSpec {
  storage::v1::Architecture architecture;
  storage::v1::Preprocessing preprocessing;
  int dimension = 0;
};

class EmbeddingNetImpl : public ConvNormModule {
 public:
  // uint8 pixels [N, side, side, channels], as the Preprocessor makes them, on the device of the network -> embeddings
  // [N, dimension], float32, not normalised: Head(Backbone(pixels)). N >= 1.
  torch::Tensor forward(const torch::Tensor& pixels);

  // The two halves of forward. Between them: pooled features [N, inputs of the head], before the layer norm if there is one.
  torch::Tensor Backbone(const torch::Tensor& pixels);
  torch::Tensor Head(const torch::Tensor& features);

  // Together all parameters(), in their order.
  std::vector<torch::Tensor> BackboneParameters() const;
  std::vector<torch::Tensor> HeadParameters() const;

  // ConvNormModule::FreezeBatchNorm for the whole network; in a program, for its modules that are batch norms.
  virtual void FreezeBatchNorms();

  // ConvNormModule::SetTrainingNorm for the whole network. The batch norms of a program stay as they are.
  void SetTrainingNorms(const TrainingNorm& norm);

  // FoldBatchNorm for the whole network. A program stays as it is.
  void FoldForInference();

  // backbone.pt: the program of torch_script with its tensors on the CPU, in evaluation mode. Empty for all others. Throws what
  // LibTorch throws.
  virtual std::string SerializeScript() const { return ""; }
  // Takes the tensors of what SerializeScript of the same network gave; nothing for all others. Throws what LibTorch throws.
  virtual void LoadScript(const std::string& /*bytes*/) {}

 protected:
  explicit EmbeddingNetImpl(const NetworkSpec& spec);

  void RegisterHead(int64_t inputs);

  // Normalised input [N, channels, side, side], channels-last -> the last feature map [N, features, height, width], or
  // [N, features], which is not pooled.
  virtual torch::Tensor FeatureMap(torch::Tensor x) = 0;

  // Whether FeatureMap, in training, takes and gives tensors in oneDNN's own layout (Tensor::to_mkldnn) just as well.
  virtual bool takes_onednn_layout() const { return false; }

  torch::Tensor Pool(const torch::Tensor& map) const;

 private:
  bool TrainsInOnednnLayout(const torch::Tensor& input) const;

  const storage::v1::Architecture::Pooling pooling_;
  const bool head_layer_norm_;
  const int dimension_;
  // input = pixel * scale + shift. Buffers, so that they follow the network to its device.
  torch::Tensor input_scale_;
  torch::Tensor input_shift_;
  torch::nn::Linear head_ = nullptr;
};
TORCH_MODULE(EmbeddingNet);

// A freshly initialised network on the CPU, in training mode. `script`, for torch_script: the bytes of backbone.pt, whose tensors
// are taken as they are. Errors: as of ValidateNetwork (embedder/bundle/manifest.h); for torch_script as of NewScriptNet
// (script_backbone.h).
absl::StatusOr<EmbeddingNet> NewEmbeddingNet(const storage::v1::Architecture& architecture,
                                             const storage::v1::Preprocessing& preprocessing, int dimension,
                                             absl::string_view script = "");

// Rows of [N, dimension] scaled to unit length, in float32; a zero row stays zero. Differentiable. Used alike in training and
// serving.
torch::Tensor NormalizeRows(const torch::Tensor& embeddings);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_TORCH_NETWORKS_H_
