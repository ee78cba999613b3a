#include "trainer/learning/whitening.h"

#include <torch/torch.h>

#include "gtest/gtest.h"
#include "tests/trainer/data/memory_dataset.h"

namespace semblance::trainer {
namespace {

// 500 points around (5, -3) that vary a hundred times more along one diagonal than along the other.
torch::Tensor StretchedCloud() {
  torch::manual_seed(4);
  const torch::Tensor points = torch::randn({500, 2}) * torch::tensor({10.0F, 0.1F});
  const torch::Tensor turn = torch::tensor({{0.6F, 0.8F}, {-0.8F, 0.6F}});
  return points.matmul(turn) + torch::tensor({5.0F, -3.0F});
}

// The cloud has variances of 100 and 0.01. In float32 a single rounding of a covariance of 64 is 4e-6, which is 4e-4 of the smaller
// variance, and the order in which a kernel adds decides how many of them there are: hence float64. Apply, in float32, adds terms
// of some 100 that cancel to a deviation of 0.3 or more, which leaves 2 x 100 x 2^-24 / 0.3 = 4e-5 of a variance.
torch::Tensor Covariance(const torch::Tensor& points) {
  const torch::Tensor rows = points.to(torch::kFloat64);
  const torch::Tensor centered = rows - rows.mean(0);
  return centered.t().matmul(centered) / rows.size(0);
}

TEST(WhiteningTest, GivesEveryAxisUnitVarianceAtPowerOneHalf) {
  const torch::Tensor cloud = StretchedCloud();

  const torch::Tensor result = FitWhitening(cloud, 0.5).Apply(cloud);

  EXPECT_TRUE(torch::allclose(result.mean(0), torch::zeros({2}), 0, 1e-3));
  EXPECT_TRUE(torch::allclose(Covariance(result), torch::eye(2, torch::kFloat64), 0, 1e-4));
}

TEST(WhiteningTest, GoesHalfWayAtPowerOneQuarter) {
  const torch::Tensor cloud = StretchedCloud();

  const torch::Tensor result = FitWhitening(cloud, 0.25).Apply(cloud);

  const torch::Tensor before = torch::linalg_eigvalsh(Covariance(cloud));
  EXPECT_TRUE(torch::allclose(torch::linalg_eigvalsh(Covariance(result)), before.sqrt(), 1e-4));
}

TEST(WhiteningTest, OnlyCentersAtPowerZero) {
  const torch::Tensor cloud = StretchedCloud();

  EXPECT_TRUE(torch::allclose(FitWhitening(cloud, 0).Apply(cloud), cloud - cloud.mean(0), 0, 1e-4));
}

TEST(WhiteningTest, StaysFiniteForEqualEmbeddings) {
  const WhiteningTransform map = FitWhitening(torch::ones({3, 4}), 0.25);

  EXPECT_TRUE(torch::isfinite(map.Apply(torch::ones({3, 4}))).all().item<bool>());
}

TEST(WhiteningTest, ChangesTheNetworkAsItWouldItsOutput) {
  storage::v1::Architecture architecture;
  architecture.mutable_small_convnet()->add_channels(4);
  architecture.mutable_small_convnet()->set_convolutions_per_stage(1);
  torch::manual_seed(1);
  embedder::EmbeddingNet net = embedder::NewEmbeddingNet(architecture, testing::GrayPreprocessing(), 6).value();
  net->eval();
  const torch::NoGradGuard no_grad;
  const torch::Tensor pixels = torch::randint(0, 256, {50, 8, 8, 1}, torch::kUInt8);
  const torch::Tensor before = net->forward(pixels);
  const WhiteningTransform map = FitWhitening(before, 0.25);

  ApplyToHead(map, net);

  EXPECT_TRUE(torch::allclose(net->forward(pixels), map.Apply(before), 1e-3, 1e-4));
}

}  // namespace
}  // namespace semblance::trainer
