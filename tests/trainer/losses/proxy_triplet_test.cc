#include "trainer/losses/proxy_triplet.h"

#include <torch/torch.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "gtest/gtest.h"
#include "tests/trainer/losses/loss_data.h"

namespace semblance::trainer {
namespace {

using testing::kClassNumbers;
using testing::kPoints;
using testing::kProxyPoints;
using testing::ProxyBatchOf;
using testing::SquaredDistance;

TEST(ProxyTripletTest, EqualsSlowLoops) {
  for (const double margin : {0.1, 1.0, 4.0}) {
    double total = 0;
    for (size_t i = 0; i < kPoints.size(); ++i) {
      for (size_t p = 0; p < kProxyPoints.size(); ++p) {
        const double own = SquaredDistance(kPoints[i], kProxyPoints[static_cast<size_t>(kClassNumbers[i])]);
        total += static_cast<int64_t>(p) == kClassNumbers[i]
                     ? 0
                     : std::max(0.0, own + margin - SquaredDistance(kPoints[i], kProxyPoints[p]));
      }
    }
    EXPECT_NEAR(ProxyTripletLoss(margin).Compute(ProxyBatchOf(kPoints, kProxyPoints, kClassNumbers)).item<double>(), total / 6,
                1e-5);
  }
}

TEST(ProxyTripletTest, ComparesWithTheNamedProxiesOnly) {
  ProxyBatch batch = ProxyBatchOf({10, 80}, {0, 60, 150, 270}, {0, 2});
  batch.negatives = NamedProxies{testing::Labels({1, 3}).view({2, 1})};
  const auto term = [](double x, double own, double other) {
    return std::max(0.0, SquaredDistance(x, own) + 0.5 - SquaredDistance(x, other));
  };
  EXPECT_NEAR(ProxyTripletLoss(0.5).Compute(batch).item<double>(), (term(10, 0, 60) + term(80, 150, 270)) / 2, 1e-5);
}

TEST(ProxyTripletTest, LeavesProxiesAloneThatViolateNoMargin) {
  const ProxyBatch batch = ProxyBatchOf({0}, {0, 50, 180}, {0});
  batch.proxies.requires_grad_();

  ProxyTripletLoss(1).Compute(batch).backward();

  EXPECT_GT(batch.proxies.grad()[1].norm().item<float>(), 0);
  EXPECT_EQ(batch.proxies.grad()[2].norm().item<float>(), 0);
  EXPECT_FALSE(ProxyTripletLoss(1).moves_every_proxy());
}

}  // namespace
}  // namespace semblance::trainer
