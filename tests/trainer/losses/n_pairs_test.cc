#include "trainer/losses/n_pairs.h"

#include <torch/torch.h>

#include <cmath>
#include <cstddef>

#include "gtest/gtest.h"
#include "tests/trainer/losses/loss_data.h"

namespace semblance::trainer {
namespace {

using testing::Cosine;
using testing::kClassNumbers;
using testing::kPoints;
using testing::PairBatchOf;

TEST(NPairsTest, EqualsSlowLoopsOverDisjointPairs) {
  const double scale = 3;
  double total = 0;
  for (size_t i = 0; i < 3; ++i) {
    double sum = 0;
    for (size_t j = 0; j < 3; ++j) {
      sum += std::exp(scale * (Cosine(kPoints[2 * i], kPoints[2 * j + 1]) - Cosine(kPoints[2 * i], kPoints[2 * i + 1])));
    }
    total += std::log(sum);
  }
  EXPECT_NEAR(NPairsLoss(scale).Compute(PairBatchOf(kPoints, kClassNumbers)).item<double>(), total / 3, 1e-5);
}

TEST(NPairsTest, TreatsAnotherPairOfTheClassAsNoNegative) {
  const PairBatch pairs = PairBatchOf({0, 10, 20, 30}, {0, 0, 0, 0});
  EXPECT_NEAR(NPairsLoss(3).Compute(pairs).item<double>(), 0, 1e-6);
}

}  // namespace
}  // namespace semblance::trainer
