// A module made of convolutions, each followed by a batch norm, so that the two can become one for inference.
//
// Not thread-safe while trained; ConvNorm in evaluation mode without gradients may run concurrently.
//
// Convolution weights are kept channels-last. Initialisation is that of torchvision's ResNet: convolutions Kaiming normal, fan-out,
// biases 0; batch norms 1 and 0.
#ifndef SEMBLANCE_EMBEDDER_TORCH_CONV_NORM_H_
#define SEMBLANCE_EMBEDDER_TORCH_CONV_NORM_H_

#include <torch/torch.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace semblance::embedder {

// A square kernel, padded so that stride 1 keeps the size of the map; no bias.
torch::nn::Conv2dOptions ConvOptions(int64_t in, int64_t out, int64_t kernel, int64_t stride = 1);

class ConvNormModule : public torch::nn::Module {
 public:
  // Merges each batch norm into its convolution: the same function in evaluation mode, with less to compute. For inference only:
  // the module can neither be trained nor saved afterwards.
  void FoldBatchNorm();

  // From now on, in training mode too, the batch norms use and keep their running statistics, and their parameters do not learn.
  void FreezeBatchNorm();

  // What takes the place of a batch norm in training mode: of [N, C, H, W], differentiable, updating the running statistics.
  using TrainingNorm = std::function<torch::Tensor(const torch::Tensor& x, torch::nn::BatchNorm2dImpl* norm)>;
  void SetTrainingNorm(TrainingNorm norm) { training_norm_ = std::move(norm); }

  void train(bool on = true) override;

 protected:
  // Whether training uses the batch norms of torch, with the statistics of the batch.
  bool trains_plain_norms() const { return training_norm_ == nullptr && !norms_frozen_; }

  // Registers the pair under the two names; pairs are numbered in the order of their registration.
  void AddConvNorm(const std::string& conv_name, const std::string& norm_name, const torch::nn::Conv2dOptions& options);

  // The pair of that number, applied.
  torch::Tensor ConvNorm(size_t number, const torch::Tensor& x) const;

 private:
  struct Pair {
    torch::nn::Conv2d conv;
    torch::nn::BatchNorm2d norm;
  };

  std::vector<Pair> pairs_;
  TrainingNorm training_norm_;
  bool folded_ = false;
  bool norms_frozen_ = false;
};

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_TORCH_CONV_NORM_H_
