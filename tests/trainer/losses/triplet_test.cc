#include "trainer/losses/triplet.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "gtest/gtest.h"
#include "tests/trainer/losses/loss_data.h"

namespace semblance::trainer {
namespace {

using testing::kClassNumbers;
using testing::kPoints;
using testing::PairBatchOf;
using testing::SquaredDistance;

// Sums up the terms of triplets one by one.
struct Triplets {
  double sum = 0;
  int count = 0;
  int active = 0;

  void Add(double term) {
    sum += std::max(0.0, term);
    ++count;
    active += term > 0 ? 1 : 0;
  }
};

TEST(TripletTest, TakesForEachPairTheNearestNegativeBeyondThePositive) {
  const double margin = 0.4;
  Triplets slow;
  for (size_t x = 0; x < 6; ++x) {
    for (size_t y = 0; y < 6; ++y) {
      if (x == y || kClassNumbers[x] != kClassNumbers[y]) {
        continue;
      }
      const double to_positive = SquaredDistance(kPoints[x], kPoints[y]);
      double nearest_beyond = std::numeric_limits<double>::infinity();
      double farthest = 0;
      for (size_t z = 0; z < 6; ++z) {
        const double to_other = SquaredDistance(kPoints[x], kPoints[z]);
        if (kClassNumbers[z] != kClassNumbers[x]) {
          farthest = std::max(farthest, to_other);
          nearest_beyond = to_other > to_positive ? std::min(nearest_beyond, to_other) : nearest_beyond;
        }
      }
      slow.Add(to_positive + margin - (std::isfinite(nearest_beyond) ? nearest_beyond : farthest));
    }
  }
  EXPECT_NEAR(TripletLoss(SemiHardTriplets, margin).Compute(PairBatchOf(kPoints, kClassNumbers)).item<double>(),
              slow.sum / slow.count, 1e-5);
}

TEST(TripletTest, TakesTheHardestOrAllThatViolateTheMargin) {
  const double margin = 0.4;
  Triplets all;
  Triplets hard;
  for (size_t x = 0; x < 6; ++x) {
    double farthest_same = 0;
    double nearest_other = 4;
    for (size_t y = 0; y < 6; ++y) {
      const double distance = SquaredDistance(kPoints[x], kPoints[y]);
      if (kClassNumbers[x] != kClassNumbers[y]) {
        nearest_other = std::min(nearest_other, distance);
        continue;
      }
      farthest_same = std::max(farthest_same, distance);
      for (size_t z = 0; x != y && z < 6; ++z) {
        if (kClassNumbers[z] != kClassNumbers[x]) {
          all.Add(distance + margin - SquaredDistance(kPoints[x], kPoints[z]));
        }
      }
    }
    hard.Add(farthest_same + margin - nearest_other);
  }
  const PairBatch batch = PairBatchOf(kPoints, kClassNumbers);
  EXPECT_NEAR(TripletLoss(HardTriplets, margin).Compute(batch).item<double>(), hard.sum / hard.count, 1e-5);
  EXPECT_NEAR(TripletLoss(ViolatingTriplets, margin).Compute(batch).item<double>(), all.sum / all.active, 1e-5);
}

}  // namespace
}  // namespace semblance::trainer
