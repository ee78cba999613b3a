#include "embedder/torch/conv_norm.h"

#include <torch/torch.h>

#include <cstdint>
#include <vector>

#include "gtest/gtest.h"

namespace semblance::embedder {
namespace {

// One convolution and its batch norm.
class OnePair : public ConvNormModule {
 public:
  OnePair() {
    AddConvNorm("conv", "norm", ConvOptions(/*in=*/2, /*out=*/3, /*kernel=*/3));
    const torch::NoGradGuard no_grad;
    named_parameters()["norm.weight"].copy_(torch::tensor({0.5F, 1.5F, -2.0F}));
    named_parameters()["norm.bias"].copy_(torch::tensor({0.1F, -0.2F, 0.3F}));
    named_buffers()["norm.running_mean"].copy_(torch::tensor({0.4F, 0.0F, -1.0F}));
    named_buffers()["norm.running_var"].copy_(torch::tensor({2.0F, 0.25F, 1.0F}));
  }

  torch::Tensor forward(const torch::Tensor& x) const { return ConvNorm(0, x); }
  using ConvNormModule::trains_plain_norms;
};

class ConvNormTest : public ::testing::Test {
 protected:
  ConvNormTest() { torch::manual_seed(4); }

  // Computes the definition with the running statistics.
  torch::Tensor Expected() {
    const auto parameters = pair_.named_parameters();
    const auto buffers = pair_.named_buffers();
    const auto per_channel = [](const torch::Tensor& values) { return values.view({1, -1, 1, 1}); };
    const torch::Tensor map = torch::conv2d(x_, parameters["conv.weight"], {}, 1, 1);
    return (map - per_channel(buffers["norm.running_mean"])) / per_channel((buffers["norm.running_var"] + 1e-5).sqrt()) *
               per_channel(parameters["norm.weight"]) +
           per_channel(parameters["norm.bias"]);
  }

  torch::Tensor RunningMean() { return pair_.named_buffers()["norm.running_mean"].clone(); }

  OnePair pair_;
  const torch::Tensor x_ = torch::randn({4, 2, 6, 5});
};

TEST_F(ConvNormTest, KeepsTheSizeOfTheMapAndNormalizesByTheRunningStatistics) {
  pair_.eval();
  const torch::Tensor y = pair_.forward(x_);
  EXPECT_EQ(y.sizes(), (std::vector<int64_t>{4, 3, 6, 5}));
  EXPECT_TRUE(torch::allclose(y, Expected(), 1e-4, 1e-5));
}

TEST_F(ConvNormTest, FoldsTheNormIntoTheConvolution) {
  pair_.eval();
  const torch::NoGradGuard no_grad;
  const torch::Tensor expected = Expected();
  pair_.FoldBatchNorm();
  EXPECT_TRUE(torch::allclose(pair_.forward(x_), expected, 1e-4, 1e-5));
}

TEST_F(ConvNormTest, TrainsByTheStatisticsOfTheBatch) {
  pair_.train();
  EXPECT_TRUE(pair_.trains_plain_norms());
  const torch::Tensor before = RunningMean();
  const torch::Tensor y = pair_.forward(x_);
  // The mean of a channel is its bias, whatever the input is.
  EXPECT_TRUE(torch::allclose(y.mean({0, 2, 3}), torch::tensor({0.1F, -0.2F, 0.3F}), 1e-4, 1e-5));
  EXPECT_FALSE(torch::equal(RunningMean(), before));
}

TEST_F(ConvNormTest, KeepsTheStatisticsOfAFrozenNormInTrainingToo) {
  pair_.FreezeBatchNorm();
  pair_.train();
  EXPECT_FALSE(pair_.trains_plain_norms());
  const torch::Tensor before = RunningMean();
  const torch::Tensor y = pair_.forward(x_);
  y.sum().backward();
  EXPECT_TRUE(torch::allclose(y, Expected(), 1e-4, 1e-5));
  EXPECT_TRUE(torch::equal(RunningMean(), before));
  EXPECT_FALSE(pair_.named_parameters()["norm.weight"].grad().defined());
  EXPECT_TRUE(pair_.named_parameters()["conv.weight"].grad().defined());
}

TEST_F(ConvNormTest, LetsAnotherFunctionReplaceTheNormInTrainingOnly) {
  int calls = 0;
  pair_.SetTrainingNorm([&](const torch::Tensor& x, torch::nn::BatchNorm2dImpl* /*norm*/) {
    ++calls;
    return torch::zeros_like(x);
  });
  pair_.train();
  EXPECT_FALSE(pair_.trains_plain_norms());
  EXPECT_TRUE(torch::equal(pair_.forward(x_), torch::zeros({4, 3, 6, 5})));
  pair_.eval();
  EXPECT_TRUE(torch::allclose(pair_.forward(x_), Expected(), 1e-4, 1e-5));
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace semblance::embedder
