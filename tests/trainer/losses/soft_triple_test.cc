#include "trainer/losses/soft_triple.h"

#include <torch/torch.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"
#include "tests/trainer/losses/loss_data.h"

namespace semblance::trainer {
namespace {

using testing::Angles;
using testing::Cosine;
using testing::kClassNumbers;
using testing::kPoints;
using testing::Labels;
using testing::ProxyBatchOf;

TEST(SoftTripleTest, EqualsSlowLoops) {
  const Angles centers = {10, 40, 90, 130, 200, 300};  // Two for each class.
  const SoftTripleOptions options = {.scale = 6, .temperature = 0.3, .margin = 0.05, .regularization = 0.2, .label_smoothing = 0};
  double total = 0;
  for (size_t i = 0; i < kPoints.size(); ++i) {
    std::vector<double> similarities;
    for (size_t c = 0; c < 3; ++c) {
      const double first = Cosine(kPoints[i], centers[2 * c]);
      const double second = Cosine(kPoints[i], centers[2 * c + 1]);
      const double weight = 1 / (1 + std::exp((second - first) / options.temperature));
      similarities.push_back(weight * first + (1 - weight) * second);
    }
    double sum = 0;
    for (size_t c = 0; c < 3; ++c) {
      sum += std::exp(options.scale * (similarities[c] - (static_cast<int64_t>(c) == kClassNumbers[i] ? options.margin : 0)));
    }
    total += std::log(sum) - options.scale * (similarities[static_cast<size_t>(kClassNumbers[i])] - options.margin);
  }
  double spread = 0;
  for (size_t c = 0; c < 3; ++c) {
    spread += std::sqrt(2 - 2 * Cosine(centers[2 * c], centers[2 * c + 1]) + 1e-5) / (3 * 2 * 1);
  }
  ProxyBatch batch = ProxyBatchOf(kPoints, centers, {0, 0, 2, 2, 4, 4});
  batch.negatives = ProxiesOfOtherClasses{Labels(kClassNumbers), Labels({0, 0, 1, 1, 2, 2})};
  EXPECT_NEAR(SoftTripleLoss(options).Compute(batch).item<double>(), total / 6 + 0.2 * spread, 1e-5);
}

}  // namespace
}  // namespace semblance::trainer
