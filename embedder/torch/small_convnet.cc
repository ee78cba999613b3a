#include "embedder/torch/small_convnet.h"

#include "absl/strings/str_cat.h"
#include "embedder/bundle/manifest.h"

namespace semblance::embedder {
namespace {

using ::semblance::storage::v1::SmallConvnet;

// A stage: convolutions with batch norm and ReLU, and then max pooling, which halves the side.
class ConvnetStage : public ConvNormModule {
 public:
  ConvnetStage(int64_t in, int64_t out, int convolutions) : convolutions_(convolutions) {
    for (int i = 0; i < convolutions; ++i) {
      AddConvNorm(absl::StrCat("conv", i + 1), absl::StrCat("bn", i + 1), ConvOptions(i == 0 ? in : out, out, 3));
    }
  }

  torch::Tensor forward(torch::Tensor x) {
    for (int i = 0; i < convolutions_; ++i) {
      x = ConvNorm(i, x).relu_();
    }
    return torch::max_pool2d(x, /*kernel_size=*/2, /*stride=*/2);
  }

 private:
  const int convolutions_;
};

class SmallConvnetNet final : public EmbeddingNetImpl {
 public:
  explicit SmallConvnetNet(const NetworkSpec& spec) : EmbeddingNetImpl(spec) {
    const SmallConvnet& config = spec.architecture.small_convnet();
    int64_t in = spec.preprocessing.channels();
    for (const int out : config.channels()) {
      const std::string name = absl::StrCat("stage", stages_.size() + 1);
      stages_.push_back(register_module(name, std::make_shared<ConvnetStage>(in, out, config.convolutions_per_stage())));
      in = out;
    }
    RegisterHead(HeadInputs(spec.architecture, spec.preprocessing));
  }

 private:
  bool takes_onednn_layout() const override { return true; }

  torch::Tensor FeatureMap(torch::Tensor x) override {
    for (const auto& stage : stages_) {
      x = stage->forward(x);
    }
    return x;
  }

  std::vector<std::shared_ptr<ConvnetStage>> stages_;
};

}  // namespace

std::shared_ptr<EmbeddingNetImpl> NewSmallConvnet(const NetworkSpec& spec) {
  return std::make_shared<SmallConvnetNet>(spec);
}

}  // namespace semblance::embedder
