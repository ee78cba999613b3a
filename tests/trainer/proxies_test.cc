#include "trainer/proxies.h"

#include <torch/torch.h>

#include "gtest/gtest.h"

namespace semblance {
namespace {

TEST(ProxiesTest, StartAtUnitLengthInRandomDirections) {
  torch::manual_seed(1);

  const Proxies proxies(500, 64, torch::kCPU);

  EXPECT_TRUE(torch::allclose(proxies.values().norm(2, 1), torch::ones({500})));
  EXPECT_TRUE(proxies.values().requires_grad());
  EXPECT_TRUE(proxies.values().is_leaf());
  // The mean of 500 independent directions has an expected length of 1 / sqrt(500) = 0.045.
  EXPECT_LT(proxies.values().mean(0).norm().item<float>(), 0.06);
}

TEST(ProxiesTest, RepeatThemselvesForAnEqualSeed) {
  torch::manual_seed(7);
  const Proxies first(3, 4, torch::kCPU);
  torch::manual_seed(7);
  const Proxies second(3, 4, torch::kCPU);

  EXPECT_TRUE(torch::equal(first.values(), second.values()));
}

TEST(ProxiesTest, ReturnToUnitLengthInTheSameDirection) {
  Proxies proxies(3, 4, torch::kCPU);
  const torch::Tensor before = proxies.values().detach().clone();
  {
    const torch::NoGradGuard no_grad;
    torch::Tensor(proxies.values()).mul_(5);
  }

  proxies.Renormalize();

  EXPECT_TRUE(torch::allclose(proxies.values(), before));
  EXPECT_TRUE(proxies.values().requires_grad());
}

}  // namespace
}  // namespace semblance
