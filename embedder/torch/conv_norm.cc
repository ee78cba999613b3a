#include "embedder/torch/conv_norm.h"

namespace semblance::embedder {

torch::nn::Conv2dOptions ConvOptions(int64_t in, int64_t out, int64_t kernel, int64_t stride) {
  return torch::nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).bias(false);
}

void ConvNormModule::AddConvNorm(const std::string& conv_name, const std::string& norm_name,
                                 const torch::nn::Conv2dOptions& options) {
  torch::nn::Conv2d conv(options);
  torch::nn::init::kaiming_normal_(conv->weight, /*a=*/0, torch::kFanOut, torch::kReLU);
  conv->weight.set_data(conv->weight.contiguous(at::MemoryFormat::ChannelsLast));
  if (options.bias()) {
    torch::nn::init::zeros_(conv->bias);
  }
  const torch::nn::BatchNorm2d norm(options.out_channels());
  pairs_.push_back({register_module(conv_name, conv), register_module(norm_name, norm)});
}

torch::Tensor ConvNormModule::ConvNorm(size_t number, const torch::Tensor& x) const {
  Pair pair = pairs_[number];
  const torch::Tensor map = pair.conv->forward(x);
  if (folded_) {
    return map;
  }
  return training_norm_ != nullptr && pair.norm->is_training() ? training_norm_(map, pair.norm.get()) : pair.norm->forward(map);
}

void ConvNormModule::FoldBatchNorm() {
  const torch::NoGradGuard no_grad;
  for (Pair& pair : pairs_) {
    const torch::nn::BatchNorm2dImpl& norm = *pair.norm;
    const torch::Tensor scale = norm.weight / torch::sqrt(norm.running_var + norm.options.eps());
    const torch::Tensor mean = pair.conv->bias.defined() ? norm.running_mean - pair.conv->bias : norm.running_mean;
    pair.conv->weight.mul_(scale.view({-1, 1, 1, 1}));
    pair.conv->bias = norm.bias - mean * scale;
  }
  folded_ = true;
}

void ConvNormModule::FreezeBatchNorm() {
  norms_frozen_ = true;
  for (Pair& pair : pairs_) {
    pair.norm->weight.requires_grad_(false);
    pair.norm->bias.requires_grad_(false);
    pair.norm->eval();
  }
}

void ConvNormModule::train(bool on) {
  torch::nn::Module::train(on);
  if (norms_frozen_) {
    for (Pair& pair : pairs_) {
      pair.norm->eval();
    }
  }
}

}  // namespace semblance::embedder
