#include "embedder/torch/networks.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "embedder/manifest.h"

namespace semblance {
namespace {

using ::semblance::storage::v1::Architecture;
using ::semblance::storage::v1::Preprocessing;
using ::semblance::storage::v1::SmallConvnet;

torch::nn::Conv2dOptions Conv(int64_t in, int64_t out, int64_t kernel, int64_t stride = 1) {
  return torch::nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).bias(false);
}

// Convolutions with batch norm and ReLU, then max pooling that halves the side.
class ConvnetStage : public ConvNormModule {
 public:
  ConvnetStage(int64_t in, int64_t out, int convolutions) : convolutions_(convolutions) {
    for (int i = 0; i < convolutions; ++i) {
      AddConvNorm(absl::StrCat("conv", i + 1), absl::StrCat("bn", i + 1), Conv(i == 0 ? in : out, out, 3));
    }
  }

  torch::Tensor forward(torch::Tensor x) {
    for (int i = 0; i < convolutions_; ++i) {
      x = ConvNorm(i, x).relu_();
    }
    return torch::max_pool2d(x, 2);
  }

 private:
  const int convolutions_;
};

class SmallConvnetNet final : public EmbeddingNetImpl {
 public:
  SmallConvnetNet(const SmallConvnet& config, const Preprocessing& preprocessing, int64_t head_inputs, int dimension)
      : EmbeddingNetImpl(preprocessing) {
    int64_t in = preprocessing.channels();
    for (const int out : config.channels()) {
      const std::string name = absl::StrCat("stage", stages_.size() + 1);
      stages_.push_back(register_module(name, std::make_shared<ConvnetStage>(in, out, config.convolutions_per_stage())));
      in = out;
    }
    RegisterHead(head_inputs, dimension);
  }

 private:
  torch::Tensor Features(torch::Tensor x) override {
    for (const auto& stage : stages_) {
      x = stage->forward(x);
    }
    // Flattened in the order channel, row, column whatever the layout in memory.
    return x.flatten(1);
  }

  std::vector<std::shared_ptr<ConvnetStage>> stages_;
};

// The 1x1 convolution of a shortcut that changes shape; torchvision names its parts 0 and 1.
class Downsample : public ConvNormModule {
 public:
  Downsample(int64_t in, int64_t out, int64_t stride) { AddConvNorm("0", "1", Conv(in, out, 1, stride)); }

  torch::Tensor forward(const torch::Tensor& x) { return ConvNorm(0, x); }
};

// A residual block: relu(Residual(x) + shortcut(x)).
class ResnetBlock : public ConvNormModule {
 public:
  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor shortcut = downsample_ == nullptr ? x : downsample_->forward(x);
    return Residual(x).add_(shortcut).relu_();
  }

 protected:
  void AddShortcut(int64_t in, int64_t out, int64_t stride) {
    if (in != out || stride != 1) {
      downsample_ = register_module("downsample", std::make_shared<Downsample>(in, out, stride));
    }
  }

  virtual torch::Tensor Residual(const torch::Tensor& x) = 0;

 private:
  std::shared_ptr<Downsample> downsample_;
};

// Two 3x3 convolutions (ResNet-18).
class BasicBlock final : public ResnetBlock {
 public:
  static constexpr int64_t kExpansion = 1;

  BasicBlock(int64_t in, int64_t width, int64_t stride) {
    AddConvNorm("conv1", "bn1", Conv(in, width, 3, stride));
    AddConvNorm("conv2", "bn2", Conv(width, width, 3));
    AddShortcut(in, width, stride);
  }

 private:
  torch::Tensor Residual(const torch::Tensor& x) override { return ConvNorm(1, ConvNorm(0, x).relu_()); }
};

// 1x1, 3x3, 1x1 (ResNet-50); the stride is in the 3x3, as in torchvision.
class Bottleneck final : public ResnetBlock {
 public:
  static constexpr int64_t kExpansion = 4;

  Bottleneck(int64_t in, int64_t width, int64_t stride) {
    AddConvNorm("conv1", "bn1", Conv(in, width, 1));
    AddConvNorm("conv2", "bn2", Conv(width, width, 3, stride));
    AddConvNorm("conv3", "bn3", Conv(width, width * kExpansion, 1));
    AddShortcut(in, width * kExpansion, stride);
  }

 private:
  torch::Tensor Residual(const torch::Tensor& x) override { return ConvNorm(2, ConvNorm(1, ConvNorm(0, x).relu_()).relu_()); }
};

template <typename Block>
class ResnetNet final : public EmbeddingNetImpl {
 public:
  ResnetNet(const std::vector<int>& blocks_per_layer, const Preprocessing& preprocessing, int64_t head_inputs, int dimension)
      : EmbeddingNetImpl(preprocessing) {
    AddConvNorm("conv1", "bn1", Conv(preprocessing.channels(), 64, 7, 2));
    int64_t in = 64;
    for (size_t layer = 0; layer < blocks_per_layer.size(); ++layer) {
      const int64_t width = int64_t{64} << layer;
      torch::nn::Sequential blocks;
      for (int block = 0; block < blocks_per_layer[layer]; ++block) {
        blocks->push_back(std::make_shared<Block>(in, width, layer > 0 && block == 0 ? 2 : 1));
        in = width * Block::kExpansion;
      }
      layers_.push_back(register_module(absl::StrCat("layer", layer + 1), blocks));
    }
    RegisterHead(head_inputs, dimension);
  }

 private:
  torch::Tensor Features(torch::Tensor x) override {
    x = torch::max_pool2d(ConvNorm(0, x).relu_(), /*kernel_size=*/3, /*stride=*/2, /*padding=*/1);
    for (auto& layer : layers_) {
      x = layer->forward(x);
    }
    return x.mean({2, 3});
  }

  std::vector<torch::nn::Sequential> layers_;
};

std::shared_ptr<EmbeddingNetImpl> Build(const Architecture& architecture, const Preprocessing& preprocessing, int dimension) {
  const int64_t inputs = HeadInputs(architecture, preprocessing);
  if (architecture.has_small_convnet()) {
    return std::make_shared<SmallConvnetNet>(architecture.small_convnet(), preprocessing, inputs, dimension);
  }
  if (architecture.resnet().depth() == 18) {
    return std::make_shared<ResnetNet<BasicBlock>>(std::vector<int>{2, 2, 2, 2}, preprocessing, inputs, dimension);
  }
  return std::make_shared<ResnetNet<Bottleneck>>(std::vector<int>{3, 4, 6, 3}, preprocessing, inputs, dimension);
}

}  // namespace

void ConvNormModule::AddConvNorm(const std::string& conv_name, const std::string& norm_name, torch::nn::Conv2dOptions options) {
  torch::nn::Conv2d conv(options);
  torch::nn::init::kaiming_normal_(conv->weight, /*a=*/0, torch::kFanOut, torch::kReLU);
  conv->weight.set_data(conv->weight.contiguous(at::MemoryFormat::ChannelsLast));
  const torch::nn::BatchNorm2d norm(options.out_channels());
  pairs_.push_back({register_module(conv_name, conv), register_module(norm_name, norm)});
}

torch::Tensor ConvNormModule::ConvNorm(size_t number, const torch::Tensor& x) const {
  Pair pair = pairs_[number];
  return folded_ ? pair.conv->forward(x) : pair.norm->forward(pair.conv->forward(x));
}

void ConvNormModule::FoldBatchNorm() {
  const torch::NoGradGuard no_grad;
  for (Pair& pair : pairs_) {
    const torch::nn::BatchNorm2dImpl& norm = *pair.norm;
    const torch::Tensor scale = norm.weight / torch::sqrt(norm.running_var + norm.options.eps());
    pair.conv->weight.mul_(scale.view({-1, 1, 1, 1}));
    pair.conv->bias = norm.bias - norm.running_mean * scale;
  }
  folded_ = true;
}

EmbeddingNetImpl::EmbeddingNetImpl(const Preprocessing& preprocessing) {
  const std::vector<float> mean(preprocessing.mean().begin(), preprocessing.mean().end());
  const std::vector<float> std(preprocessing.std().begin(), preprocessing.std().end());
  const torch::Tensor std_tensor = torch::tensor(std);
  input_scale_ = register_buffer("input_scale", 1 / (255 * std_tensor));
  input_shift_ = register_buffer("input_shift", -torch::tensor(mean) / std_tensor);
}

void EmbeddingNetImpl::RegisterHead(int64_t inputs, int64_t dimension) {
  head_ = register_module("head", torch::nn::Linear(inputs, dimension));
}

torch::Tensor EmbeddingNetImpl::forward(const torch::Tensor& pixels) {
  const torch::Tensor input = torch::addcmul(input_shift_, pixels.to(torch::kFloat32), input_scale_);
  // A view of the same memory: [N, channels, side, side] in channels-last layout.
  return head_->forward(Features(input.permute({0, 3, 1, 2}))).to(torch::kFloat32);
}

void EmbeddingNetImpl::FoldForInference() {
  for (const auto& module : modules()) {
    if (auto* foldable = dynamic_cast<ConvNormModule*>(module.get())) {
      foldable->FoldBatchNorm();
    }
  }
}

absl::StatusOr<EmbeddingNet> NewEmbeddingNet(const Architecture& architecture, const Preprocessing& preprocessing, int dimension) {
  SEMBLANCE_RETURN_IF_ERROR(ValidateNetwork(architecture, preprocessing, dimension));
  return EmbeddingNet(Build(architecture, preprocessing, dimension));
}

torch::Tensor NormalizeRows(const torch::Tensor& embeddings) {
  return torch::nn::functional::normalize(embeddings.to(torch::kFloat32),
                                          torch::nn::functional::NormalizeFuncOptions().p(2).dim(1));
}

}  // namespace semblance
