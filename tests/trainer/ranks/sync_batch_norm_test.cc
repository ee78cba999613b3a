#include "trainer/ranks/sync_batch_norm.h"

#include <torch/torch.h>

#include <array>
#include <cstdint>

#include "tests/trainer/ranks/rank_group.h"

namespace semblance::trainer {
namespace {

using testing::RunAsRanks;

constexpr int64_t kChannels = 3;

torch::nn::BatchNorm2d NewNorm() {
  torch::nn::BatchNorm2d norm(torch::nn::BatchNorm2dOptions(kChannels).momentum(0.3));
  const torch::NoGradGuard no_grad;
  norm->weight.copy_(torch::tensor({0.5F, 1.5F, -2.0F}));
  norm->bias.copy_(torch::tensor({0.1F, -0.2F, 0.3F}));
  norm->train();
  return norm;
}

// LibTorch's batch norm on the whole batch of a single process is the truth for the ranks, which have 4 and 2 of the images.
class SyncBatchNormTest : public ::testing::Test {
 protected:
  SyncBatchNormTest() {
    torch::manual_seed(7);
    inputs_ = 3 * torch::randn({6, kChannels, 4, 5}) + 10;
    weights_ = torch::randn({6, kChannels, 4, 5});
    whole_input_ = inputs_.clone().requires_grad_();
    whole_output_ = whole_->forward(whole_input_);
    (whole_output_ * weights_).sum().backward();
  }

  static constexpr std::array<int64_t, 3> kBegins = {0, 4, 6};

  static torch::Tensor Own(const torch::Tensor& whole, const Ranks& ranks) {
    const auto rank = static_cast<size_t>(ranks.rank());
    return whole.slice(0, kBegins[rank], kBegins[rank + 1]);
  }

  torch::Tensor inputs_;
  torch::Tensor weights_;  // The weights of the outputs in the loss.
  torch::nn::BatchNorm2d whole_ = NewNorm();
  torch::Tensor whole_input_;
  torch::Tensor whole_output_;
};

TEST_F(SyncBatchNormTest, NormalizesByTheStatisticsOfAllRanks) {
  RunAsRanks(2, [&](const Ranks& ranks) {
    torch::nn::BatchNorm2d norm = NewNorm();
    const torch::Tensor output = SyncBatchNorm(Own(inputs_, ranks), norm.get(), ranks);
    EXPECT_TRUE(torch::allclose(output, Own(whole_output_, ranks), 1e-4, 1e-5));
  });
}

TEST_F(SyncBatchNormTest, KeepsTheRunningStatisticsOfTheWholeBatch) {
  RunAsRanks(2, [&](const Ranks& ranks) {
    torch::nn::BatchNorm2d norm = NewNorm();
    SyncBatchNorm(Own(inputs_, ranks), norm.get(), ranks);
    EXPECT_TRUE(torch::allclose(norm->running_mean, whole_->running_mean, 1e-5, 1e-6));
    EXPECT_TRUE(torch::allclose(norm->running_var, whole_->running_var, 1e-5, 1e-6));
    EXPECT_EQ(norm->num_batches_tracked.item<int64_t>(), 1);
  });
}

TEST_F(SyncBatchNormTest, HasTheGradientsOfTheWholeBatch) {
  RunAsRanks(2, [&](const Ranks& ranks) {
    torch::nn::BatchNorm2d norm = NewNorm();
    const torch::Tensor input = Own(inputs_, ranks).clone().requires_grad_();
    (SyncBatchNorm(input, norm.get(), ranks) * Own(weights_, ranks)).sum().backward();
    EXPECT_TRUE(torch::allclose(input.grad(), Own(whole_input_.grad(), ranks), 1e-4, 1e-5));
    // The gradients of weight and bias are those of the rank's own images, so they are summed as in training.
    ranks.ReduceGradients({norm->weight, norm->bias}, torch::Tensor());
    EXPECT_TRUE(torch::allclose(norm->weight.grad(), whole_->weight.grad(), 1e-4, 1e-4));
    EXPECT_TRUE(torch::allclose(norm->bias.grad(), whole_->bias.grad(), 1e-4, 1e-4));
  });
}

// A difference of squares of large numbers loses float32's digits.
TEST_F(SyncBatchNormTest, KeepsTheVarianceOfValuesFarFromZero) {
  const torch::Tensor far = 0.01 * torch::randn({6, kChannels, 4, 5}) + 1000;
  RunAsRanks(2, [&](const Ranks& ranks) {
    torch::nn::BatchNorm2d norm = NewNorm();
    SyncBatchNorm(Own(far, ranks), norm.get(), ranks);
    const torch::Tensor variance = far.to(torch::kFloat64).var({0, 2, 3}, /*unbiased=*/true);
    EXPECT_TRUE(torch::allclose(norm->running_var.to(torch::kFloat64), 0.7 + 0.3 * variance, 1e-6, 1e-7));
  });
}

}  // namespace
}  // namespace semblance::trainer
