#include "trainer/miners/triplet_miners.h"

#include <torch/torch.h>

#include <array>
#include <cstdint>
#include <set>
#include <vector>

#include "gtest/gtest.h"

namespace semblance::trainer {
namespace {

using Triplet = std::array<int64_t, 3>;

constexpr double kMargin = 0.2;

// Random points with few distances that are nearly equal, and their classes.
class TripletMinersTest : public ::testing::TestWithParam<int> {
 protected:
  TripletMinersTest() {
    torch::manual_seed(static_cast<uint64_t>(GetParam()));
    const torch::Tensor points = torch::randn({kCount, 2});
    distances_ = torch::cdist(points, points);
    labels_ = torch::randint(3, {kCount}, torch::kInt64);
  }

  static constexpr int64_t kCount = 9;

  double Distance(int64_t i, int64_t j) const { return distances_[i][j].item<double>(); }
  bool IsPositive(int64_t anchor, int64_t other) const {
    return anchor != other && labels_[anchor].item<int64_t>() == labels_[other].item<int64_t>();
  }
  bool IsNegative(int64_t anchor, int64_t other) const { return labels_[anchor].item<int64_t>() != labels_[other].item<int64_t>(); }

  static std::multiset<Triplet> SetOf(const TripletRows& rows) {
    std::multiset<Triplet> triplets;
    for (int64_t i = 0; i < rows.anchors.size(0); ++i) {
      triplets.insert({rows.anchors[i].item<int64_t>(), rows.positives[i].item<int64_t>(), rows.negatives[i].item<int64_t>()});
    }
    return triplets;
  }

  torch::Tensor distances_;
  torch::Tensor labels_;
};

INSTANTIATE_TEST_SUITE_P(Seeds, TripletMinersTest, ::testing::Range(1, 9));

TEST_P(TripletMinersTest, SemiHardTakesTheNearestNegativeBeyondThePositive) {
  std::multiset<Triplet> expected;
  for (int64_t a = 0; a < kCount; ++a) {
    for (int64_t p = 0; p < kCount; ++p) {
      int64_t beyond = -1;
      int64_t farthest = -1;
      for (int64_t n = 0; n < kCount; ++n) {
        if (!IsNegative(a, n)) {
          continue;
        }
        farthest = farthest < 0 || Distance(a, n) > Distance(a, farthest) ? n : farthest;
        if (Distance(a, n) > Distance(a, p)) {
          beyond = beyond < 0 || Distance(a, n) < Distance(a, beyond) ? n : beyond;
        }
      }
      if (IsPositive(a, p) && farthest >= 0) {
        expected.insert({a, p, beyond >= 0 ? beyond : farthest});
      }
    }
  }
  EXPECT_EQ(SetOf(SemiHardTriplets(distances_, labels_, kMargin)), expected);
}

TEST_P(TripletMinersTest, HardTakesTheFarthestPositiveAndTheNearestNegative) {
  std::multiset<Triplet> expected;
  for (int64_t a = 0; a < kCount; ++a) {
    int64_t farthest = -1;
    int64_t nearest = -1;
    for (int64_t i = 0; i < kCount; ++i) {
      if (IsPositive(a, i)) {
        farthest = farthest < 0 || Distance(a, i) > Distance(a, farthest) ? i : farthest;
      } else if (IsNegative(a, i)) {
        nearest = nearest < 0 || Distance(a, i) < Distance(a, nearest) ? i : nearest;
      }
    }
    if (farthest >= 0 && nearest >= 0) {
      expected.insert({a, farthest, nearest});
    }
  }
  EXPECT_EQ(SetOf(HardTriplets(distances_, labels_, kMargin)), expected);
}

TEST_P(TripletMinersTest, ViolatingTakesAllThatAreWithinTheMargin) {
  std::multiset<Triplet> expected;
  for (int64_t a = 0; a < kCount; ++a) {
    for (int64_t p = 0; p < kCount; ++p) {
      for (int64_t n = 0; n < kCount; ++n) {
        if (IsPositive(a, p) && IsNegative(a, n) && Distance(a, p) + kMargin > Distance(a, n)) {
          expected.insert({a, p, n});
        }
      }
    }
  }
  EXPECT_FALSE(expected.empty());
  EXPECT_EQ(SetOf(ViolatingTriplets(distances_, labels_, kMargin)), expected);
}

TEST(TripletMinersOfDegenerateBatchesTest, FindNothingWithoutAPositiveOrWithoutANegative) {
  const torch::Tensor distances = torch::rand({3, 3});
  for (const std::vector<int64_t>& labels : {std::vector<int64_t>{0, 1, 2}, std::vector<int64_t>{1, 1, 1}}) {
    for (const TripletMiner miner : {SemiHardTriplets, HardTriplets, ViolatingTriplets}) {
      EXPECT_EQ(miner(distances, torch::tensor(labels, torch::kInt64), kMargin).anchors.size(0), 0);
    }
  }
}

}  // namespace
}  // namespace semblance::trainer
