// A module made of convolutions that are each followed by a batch norm. For inference the two can be merged into one.
//
// Not thread-safe while trained; ConvNorm in evaluation mode without gradients may run concurrently.
//
// Convolution weights are kept channels-last. They start like those of torchvision's ResNet: convolutions from Kaiming's normal
// distribution (fan-out) with biases of 0, and batch norms with weights of 1 and biases of 0.
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

// Options for a square kernel without bias, padded so that a stride of 1 keeps the size of the map.
torch::nn::Conv2dOptions ConvOptions(int64_t in, int64_t out, int64_t kernel, int64_t stride = 1);

class ConvNormModule : public torch::nn::Module {
 public:
  // Merges each batch norm into its convolution. The module then computes the same function as in evaluation mode, with less work.
  // It can neither be trained nor saved afterwards.
  void FoldBatchNorm();

  // From now on the batch norms use their running statistics without changing them, in training mode too, and their parameters do
  // not learn.
  void FreezeBatchNorm();

  // Replaces the batch norms in training mode. Such a function normalizes [N, C, H, W], is differentiable, and updates the running
  // statistics of `norm`.
  using TrainingNorm = std::function<torch::Tensor(const torch::Tensor& x, torch::nn::BatchNorm2dImpl* norm)>;
  void SetTrainingNorm(TrainingNorm norm) { training_norm_ = std::move(norm); }

  void train(bool on = true) override;

 protected:
  // True if training uses the batch norms of LibTorch, with the statistics of the batch.
  bool trains_plain_norms() const { return training_norm_ == nullptr && !norms_frozen_; }

  // Registers the pair under the two names. Pairs are numbered in the order of their registration.
  void AddConvNorm(const std::string& conv_name, const std::string& norm_name, const torch::nn::Conv2dOptions& options);

  // Applies the pair with that number.
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
