#include "trainer/losses/normalized_softmax.h"

#include <torch/torch.h>

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "gtest/gtest.h"
#include "tests/trainer/losses/loss_data.h"
#include "trainer/losses/proxy_nca.h"

namespace semblance::trainer {
namespace {

using testing::Cosine;
using testing::kClassNumbers;
using testing::kPoints;
using testing::kProxyPoints;
using testing::ProxyBatchOf;

TEST(NormalizedSoftmaxTest, IsProxyNcaWithThePositiveInTheDenominator) {
  const ProxyBatch batch = ProxyBatchOf(kPoints, kProxyPoints, kClassNumbers);
  const ProxyNcaOptions nca = {
      .denominator = ProxyNcaOptions::Denominator::kAll, .embedding_scale = 3, .proxy_scale = 3, .label_smoothing = 0};
  EXPECT_NEAR(NormalizedSoftmaxLoss(1.0 / 18, 0).Compute(batch).item<double>(), ProxyNcaLoss(nca).Compute(batch).item<double>(),
              1e-6);
}

TEST(NormalizedSoftmaxTest, SpreadsTheSmoothedPartOverAllProxies) {
  const double smoothing = 0.2;
  const double scale = 5;
  double total = 0;
  for (size_t i = 0; i < kPoints.size(); ++i) {
    double sum = 0;
    for (const double proxy : kProxyPoints) {
      sum += std::exp(scale * Cosine(kPoints[i], proxy));
    }
    for (size_t p = 0; p < kProxyPoints.size(); ++p) {
      const double weight = smoothing / 3 + (static_cast<int64_t>(p) == kClassNumbers[i] ? 1 - smoothing : 0);
      total -= weight * (scale * Cosine(kPoints[i], kProxyPoints[p]) - std::log(sum));
    }
  }
  const ProxyBatch batch = ProxyBatchOf(kPoints, kProxyPoints, kClassNumbers);
  EXPECT_NEAR(NormalizedSoftmaxLoss(1 / scale, smoothing).Compute(batch).item<double>(), total / 6, 1e-5);
}

}  // namespace
}  // namespace semblance::trainer
