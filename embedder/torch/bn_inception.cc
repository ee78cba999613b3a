#include "embedder/torch/bn_inception.h"

#include "absl/strings/str_cat.h"
#include "embedder/bundle/manifest.h"

namespace semblance::embedder {
namespace {

enum class InceptionPool { kAverage, kMax };

// The channels of the four branches of a block (figure 5 of the paper). A missing branch has 0: the blocks that halve the side (3c
// and 4e) have no 1x1 branch and no projection after their pooling.
struct InceptionShape {
  const char* name;
  int64_t conv_1x1;
  int64_t reduce_3x3;
  int64_t conv_3x3;
  int64_t reduce_double;
  int64_t conv_double;
  InceptionPool pool;
  int64_t projection;

  bool halves() const { return projection == 0; }
  int64_t outputs(int64_t inputs) const { return conv_1x1 + conv_3x3 + conv_double + (halves() ? inputs : projection); }
};

constexpr InceptionShape kInceptionShapes[] = {
    {"3a", 64, 64, 64, 64, 96, InceptionPool::kAverage, 32},       {"3b", 64, 64, 96, 64, 96, InceptionPool::kAverage, 64},
    {"3c", 0, 128, 160, 64, 96, InceptionPool::kMax, 0},           {"4a", 224, 64, 96, 96, 128, InceptionPool::kAverage, 128},
    {"4b", 192, 96, 128, 96, 128, InceptionPool::kAverage, 128},   {"4c", 160, 128, 160, 128, 160, InceptionPool::kAverage, 128},
    {"4d", 96, 128, 192, 160, 192, InceptionPool::kAverage, 128},  {"4e", 0, 128, 192, 192, 256, InceptionPool::kMax, 0},
    {"5a", 352, 192, 320, 160, 224, InceptionPool::kAverage, 128}, {"5b", 352, 192, 320, 192, 224, InceptionPool::kMax, 128},
};

torch::Tensor HalvingMaxPool(const torch::Tensor& x) {
  return torch::max_pool2d(x, /*kernel_size=*/3, /*stride=*/2, /*padding=*/0, /*dilation=*/1, /*ceil_mode=*/true);
}

// All pairs are registered in the network itself, because the port has no modules within modules.
class BnInceptionNet final : public EmbeddingNetImpl {
 public:
  explicit BnInceptionNet(const NetworkSpec& spec) : EmbeddingNetImpl(spec) {
    Add("conv1_7x7_s2", ConvOptions(spec.preprocessing.channels(), 64, 7, 2));
    Add("conv2_3x3_reduce", ConvOptions(64, 64, 1));
    Add("conv2_3x3", ConvOptions(64, 192, 3));
    int64_t inputs = 192;
    for (const InceptionShape& shape : kInceptionShapes) {
      AddBlock(shape, inputs);
      inputs = shape.outputs(inputs);
    }
    RegisterHead(HeadInputs(spec.architecture, spec.preprocessing));
  }

 private:
  void Add(const std::string& name, torch::nn::Conv2dOptions options) {
    AddConvNorm(name, absl::StrCat(name, "_bn"), options.bias(true));
  }

  void AddBlock(const InceptionShape& shape, int64_t inputs) {
    const std::string prefix = absl::StrCat("inception_", shape.name, "_");
    const int64_t stride = shape.halves() ? 2 : 1;
    if (!shape.halves()) {
      Add(prefix + "1x1", ConvOptions(inputs, shape.conv_1x1, 1));
    }
    Add(prefix + "3x3_reduce", ConvOptions(inputs, shape.reduce_3x3, 1));
    Add(prefix + "3x3", ConvOptions(shape.reduce_3x3, shape.conv_3x3, 3, stride));
    Add(prefix + "double_3x3_reduce", ConvOptions(inputs, shape.reduce_double, 1));
    Add(prefix + "double_3x3_1", ConvOptions(shape.reduce_double, shape.conv_double, 3));
    Add(prefix + "double_3x3_2", ConvOptions(shape.conv_double, shape.conv_double, 3, stride));
    if (!shape.halves()) {
      Add(prefix + "pool_proj", ConvOptions(inputs, shape.projection, 1));
    }
  }

  torch::Tensor FeatureMap(torch::Tensor x) override {
    size_t next = 0;
    x = HalvingMaxPool(Apply(&next, x));
    x = Apply(&next, x);
    x = HalvingMaxPool(Apply(&next, x));
    for (const InceptionShape& shape : kInceptionShapes) {
      x = ApplyBlock(shape, &next, x);
    }
    return x;
  }

  // The pairs are numbered in the order in which AddBlock added them.
  torch::Tensor ApplyBlock(const InceptionShape& shape, size_t* next, const torch::Tensor& x) const {
    std::vector<torch::Tensor> branches;
    if (!shape.halves()) {
      branches.push_back(Apply(next, x));
    }
    torch::Tensor single = Apply(next, x);
    branches.push_back(Apply(next, single));
    torch::Tensor twice = Apply(next, x);
    twice = Apply(next, twice);
    branches.push_back(Apply(next, twice));
    if (shape.halves()) {
      branches.push_back(HalvingMaxPool(x));
    } else {
      const torch::Tensor pooled = shape.pool == InceptionPool::kMax ? torch::max_pool2d(x, 3, /*stride=*/1, /*padding=*/1)
                                                                     : torch::avg_pool2d(x, 3, /*stride=*/1, /*padding=*/1);
      branches.push_back(Apply(next, pooled));
    }
    return torch::cat(branches, 1);
  }

  torch::Tensor Apply(size_t* next, const torch::Tensor& x) const { return ConvNorm((*next)++, x).relu_(); }
};

}  // namespace

std::shared_ptr<EmbeddingNetImpl> NewBnInception(const NetworkSpec& spec) {
  return std::make_shared<BnInceptionNet>(spec);
}

}  // namespace semblance::embedder
