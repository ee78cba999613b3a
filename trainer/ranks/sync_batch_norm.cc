#include "trainer/ranks/sync_batch_norm.h"

namespace semblance::trainer {
namespace {

// Reshapes [C] to [1, C, 1, 1].
torch::Tensor PerChannel(const torch::Tensor& values) {
  return values.view({1, -1, 1, 1});
}

torch::Tensor SumOverPixels(const torch::Tensor& x) {
  return x.sum({0, 2, 3}, /*keepdim=*/false, torch::kFloat64);
}

class SyncBatchNormFunction : public torch::autograd::Function<SyncBatchNormFunction> {
 public:
  // Also returns the mean and the variance, [C] in float64, and the number of values in each channel.
  // NOLINTNEXTLINE(readability-function-size): autograd wants each input as an argument of its own.
  static torch::autograd::tensor_list forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                                              const torch::Tensor& weight, const torch::Tensor& bias, double epsilon,
                                              const Ranks* ranks) {
    const int64_t channels = x.size(1);
    // float64, because the variance is a difference of squares.
    torch::Tensor sums = torch::cat({SumOverPixels(x), SumOverPixels(x.to(torch::kFloat64).square()),
                                     torch::full({1}, x.numel() / channels, x.options().dtype(torch::kFloat64))});
    ranks->Sum(&sums);
    const torch::Tensor count = sums.slice(0, 2 * channels);
    const torch::Tensor mean = sums.slice(0, 0, channels) / count;
    const torch::Tensor variance = (sums.slice(0, channels, 2 * channels) / count - mean.square()).clamp_min(0);
    const torch::Tensor scale = (variance + epsilon).rsqrt().to(x.dtype());
    const torch::Tensor normalized = (x - PerChannel(mean.to(x.dtype()))) * PerChannel(scale);
    context->save_for_backward({normalized, weight, scale, count});
    context->saved_data["ranks"] = reinterpret_cast<int64_t>(ranks);
    context->mark_non_differentiable({mean, variance, count});
    return {normalized * PerChannel(weight) + PerChannel(bias), mean, variance, count};
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context, torch::autograd::tensor_list gradients) {
    const torch::autograd::variable_list saved = context->get_saved_variables();
    const torch::Tensor& normalized = saved[0];
    const torch::Tensor& gradient = gradients[0];
    const int64_t channels = normalized.size(1);
    const torch::Tensor own = torch::cat({SumOverPixels(gradient), SumOverPixels(gradient * normalized)});
    torch::Tensor all = own.clone();
    // NOLINTNEXTLINE(performance-no-int-to-ptr): autograd can save tensors and numbers only.
    reinterpret_cast<const Ranks*>(context->saved_data["ranks"].toInt())->Sum(&all);
    const torch::Tensor means = (all / saved[3]).to(gradient.dtype());
    const torch::Tensor x_gradient = PerChannel(saved[1] * saved[2]) * (gradient - PerChannel(means.slice(0, 0, channels)) -
                                                                        normalized * PerChannel(means.slice(0, channels)));
    const torch::Tensor none;
    return {x_gradient, own.slice(0, channels).to(gradient.dtype()), own.slice(0, 0, channels).to(gradient.dtype()), none, none};
  }
};

}  // namespace

torch::Tensor SyncBatchNorm(const torch::Tensor& x, torch::nn::BatchNorm2dImpl* norm, const Ranks& ranks) {
  const torch::autograd::tensor_list results =
      SyncBatchNormFunction::apply(x, norm->weight, norm->bias, norm->options.eps(), &ranks);
  const torch::NoGradGuard no_grad;
  const double momentum = norm->options.momentum().value();
  const torch::Tensor& count = results[3];
  norm->running_mean.lerp_(results[1].to(norm->running_mean.dtype()), momentum);
  norm->running_var.lerp_((results[2] * (count / (count - 1).clamp_min(1))).to(norm->running_var.dtype()), momentum);
  norm->num_batches_tracked.add_(1);
  return results[0];
}

}  // namespace semblance::trainer
