#include "trainer/metrics/triplet_accuracy.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"

namespace semblance::trainer {
namespace {

std::vector<float> OnCircle(const std::vector<double>& degrees) {
  std::vector<float> points;
  for (const double angle : degrees) {
    points.push_back(static_cast<float>(std::cos(angle * M_PI / 180)));
    points.push_back(static_cast<float>(std::sin(angle * M_PI / 180)));
  }
  return points;
}

TEST(TripletAccuracyTest, IsTheShareThatASlowLoopOverAnglesFinds) {
  const std::vector<double> degrees = {0, 10, 25, 100, 190, 300, 355};
  std::vector<dataset::Triplet> triplets;
  int right = 0;
  for (int64_t x = 0; x < 7; ++x) {
    for (int64_t y = 0; y < 7; ++y) {
      const int64_t z = (x + 2 * y + 3) % 7;
      const auto apart = [&](int64_t other) {
        const double difference = std::fabs(degrees[static_cast<size_t>(x)] - degrees[static_cast<size_t>(other)]);
        return std::min(difference, 360 - difference);
      };
      triplets.push_back({x, y, z});
      right += apart(y) < apart(z) ? 1 : 0;
    }
  }
  EXPECT_DOUBLE_EQ(TripletAccuracy(OnCircle(degrees), 2, triplets), right / 49.0);
}

TEST(TripletAccuracyTest, CountsEquallyNearAsWrong) {
  EXPECT_EQ(TripletAccuracy(OnCircle({30, 30, 30}), 2, std::vector<dataset::Triplet>{{0, 1, 2}}), 0);
  EXPECT_EQ(TripletAccuracy(OnCircle({30, 30, 31}), 2, std::vector<dataset::Triplet>{{0, 0, 2}}), 1);
}

}  // namespace
}  // namespace semblance::trainer
