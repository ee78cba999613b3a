#include "embedder/torch/resnet.h"

#include "absl/strings/str_cat.h"
#include "embedder/bundle/manifest.h"

namespace semblance::embedder {
namespace {

using ::semblance::storage::v1::Resnet;

// The 1x1 convolution of a shortcut that changes the shape. torchvision names its parts 0 and 1.
class Downsample : public ConvNormModule {
 public:
  Downsample(int64_t in, int64_t out, int64_t stride) { AddConvNorm("0", "1", ConvOptions(in, out, 1, stride)); }

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
    AddConvNorm("conv1", "bn1", ConvOptions(in, width, 3, stride));
    AddConvNorm("conv2", "bn2", ConvOptions(width, width, 3));
    AddShortcut(in, width, stride);
  }

 private:
  torch::Tensor Residual(const torch::Tensor& x) override { return ConvNorm(1, ConvNorm(0, x).relu_()); }
};

// A 1x1, a 3x3 and a 1x1 convolution (ResNet-50). The 3x3 has the stride, as in torchvision.
class Bottleneck final : public ResnetBlock {
 public:
  static constexpr int64_t kExpansion = 4;

  Bottleneck(int64_t in, int64_t width, int64_t stride) {
    AddConvNorm("conv1", "bn1", ConvOptions(in, width, 1));
    AddConvNorm("conv2", "bn2", ConvOptions(width, width, 3, stride));
    AddConvNorm("conv3", "bn3", ConvOptions(width, width * kExpansion, 1));
    AddShortcut(in, width * kExpansion, stride);
  }

 private:
  torch::Tensor Residual(const torch::Tensor& x) override { return ConvNorm(2, ConvNorm(1, ConvNorm(0, x).relu_()).relu_()); }
};

template <typename Block>
class ResnetNet final : public EmbeddingNetImpl {
 public:
  ResnetNet(const NetworkSpec& spec, const std::vector<int>& blocks_per_layer)
      : EmbeddingNetImpl(spec), small_image_stem_(spec.architecture.resnet().small_image_stem()) {
    const int64_t base_width = BaseWidthOf(spec.architecture.resnet());
    const int64_t channels = spec.preprocessing.channels();
    AddConvNorm("conv1", "bn1", small_image_stem_ ? ConvOptions(channels, base_width, 3) : ConvOptions(channels, base_width, 7, 2));
    int64_t in = base_width;
    for (size_t layer = 0; layer < blocks_per_layer.size(); ++layer) {
      const int64_t width = base_width << layer;
      torch::nn::Sequential blocks;
      for (int block = 0; block < blocks_per_layer[layer]; ++block) {
        blocks->push_back(std::make_shared<Block>(in, width, layer > 0 && block == 0 ? 2 : 1));
        in = width * Block::kExpansion;
      }
      layers_.push_back(register_module(absl::StrCat("layer", layer + 1), blocks));
    }
    RegisterHead(HeadInputs(spec.architecture, spec.preprocessing));
  }

 private:
  bool takes_onednn_layout() const override { return true; }

  torch::Tensor FeatureMap(torch::Tensor x) override {
    x = ConvNorm(0, x).relu_();
    if (!small_image_stem_) {
      x = torch::max_pool2d(x, /*kernel_size=*/3, /*stride=*/2, /*padding=*/1);
    }
    for (auto& layer : layers_) {
      x = layer->forward(x);
    }
    return x;
  }

  const bool small_image_stem_;
  std::vector<torch::nn::Sequential> layers_;
};

}  // namespace

std::shared_ptr<EmbeddingNetImpl> NewResnet(const NetworkSpec& spec) {
  if (spec.architecture.resnet().depth() == 18) {
    return std::make_shared<ResnetNet<BasicBlock>>(spec, std::vector<int>{2, 2, 2, 2});
  }
  return std::make_shared<ResnetNet<Bottleneck>>(spec, std::vector<int>{3, 4, 6, 3});
}

}  // namespace semblance::embedder
