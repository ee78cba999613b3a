#include "trainer/losses/proxy_anchor.h"

#include <torch/torch.h>

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "gtest/gtest.h"
#include "tests/trainer/losses/loss_data.h"

namespace semblance::trainer {
namespace {

using testing::Cosine;
using testing::kClassNumbers;
using testing::kPoints;
using testing::kProxyPoints;
using testing::Numbers;
using testing::ProxyBatchOf;

TEST(ProxyAnchorTest, EqualsSlowLoopsAndCountsOnlyProxiesWithPositives) {
  for (const Numbers& labels : {kClassNumbers, Numbers{0, 0, 2, 2, 2, 0}}) {
    const double scale = 8;
    const double margin = 0.1;
    double pull = 0;
    double push = 0;
    int with_positives = 0;
    for (size_t p = 0; p < kProxyPoints.size(); ++p) {
      double near = 0;
      double far = 0;
      for (size_t i = 0; i < kPoints.size(); ++i) {
        const double cosine = Cosine(kPoints[i], kProxyPoints[p]);
        (labels[i] == static_cast<int64_t>(p) ? near : far) +=
            labels[i] == static_cast<int64_t>(p) ? std::exp(-scale * (cosine - margin)) : std::exp(scale * (cosine + margin));
      }
      with_positives += near > 0 ? 1 : 0;
      pull += std::log(1 + near);
      push += std::log(1 + far);
    }
    EXPECT_NEAR(ProxyAnchorLoss(scale, margin).Compute(ProxyBatchOf(kPoints, kProxyPoints, labels)).item<double>(),
                pull / with_positives + push / 3, 1e-4);
  }
}

TEST(ProxyAnchorTest, DoesNotOverflowAtTheScaleOfThePaper) {
  const ProxyBatch batch = ProxyBatchOf({180, 0}, {0, 180}, {0, 1});
  EXPECT_NEAR(ProxyAnchorLoss(32, 0.1).Compute(batch).item<double>(), 32 * 1.1 + 32 * 1.1, 1e-3);
}

}  // namespace
}  // namespace semblance::trainer
