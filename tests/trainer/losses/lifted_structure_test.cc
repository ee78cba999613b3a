#include "trainer/losses/lifted_structure.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "gtest/gtest.h"
#include "tests/trainer/losses/loss_data.h"

namespace semblance::trainer {
namespace {

using testing::kClassNumbers;
using testing::kPoints;
using testing::PairBatchOf;
using testing::SquaredDistance;

TEST(LiftedStructureTest, EqualsSlowLoops) {
  const double margin = 1;
  const auto distance = [](size_t x, size_t y) { return std::sqrt(SquaredDistance(kPoints[x], kPoints[y])); };
  double total = 0;
  int pairs = 0;
  for (size_t x = 0; x < 6; ++x) {
    for (size_t y = x + 1; y < 6; ++y) {
      if (kClassNumbers[x] != kClassNumbers[y]) {
        continue;
      }
      double sum = 0;
      for (size_t z = 0; z < 6; ++z) {
        sum += kClassNumbers[z] == kClassNumbers[x] ? 0 : std::exp(margin - distance(x, z)) + std::exp(margin - distance(y, z));
      }
      total += std::pow(std::max(0.0, distance(x, y) + std::log(sum)), 2);
      ++pairs;
    }
  }
  EXPECT_NEAR(LiftedStructureLoss(margin).Compute(PairBatchOf(kPoints, kClassNumbers)).item<double>(), total / (2 * pairs), 1e-4);
}

}  // namespace
}  // namespace semblance::trainer
