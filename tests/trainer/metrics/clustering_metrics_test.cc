#include "trainer/metrics/clustering_metrics.h"

#include <cmath>
#include <limits>
#include <vector>

#include "tests/testing/status_matchers.h"
#include "trainer/data/random.h"

namespace semblance::trainer {
namespace {

using testing::StatusIs;

TEST(ClusteringMetricsTest, IsOneForTheSamePartitionUnderOtherNames) {
  EXPECT_DOUBLE_EQ(NormalizedMutualInformation({1, 1, 2, 2, 3}, {30, 30, -10, -10, 20}), 1);
  EXPECT_DOUBLE_EQ(NormalizedMutualInformation({7, 7}, {0, 0}), 1);
}

TEST(ClusteringMetricsTest, IsZeroForIndependentPartitions) {
  EXPECT_NEAR(NormalizedMutualInformation({1, 1, 2, 2}, {1, 2, 1, 2}), 0, 1e-12);
  EXPECT_NEAR(NormalizedMutualInformation({1, 1, 2, 2}, {5, 5, 5, 5}), 0, 1e-12);
}

TEST(ClusteringMetricsTest, IsWhatOneWorksOutByHand) {
  // H(a) = ln 2, and H(b) = -(3/4 ln 3/4 + 1/4 ln 1/4). The joint counts are 2, 1, 1.
  const double a = std::log(2);
  const double b = -(0.75 * std::log(0.75) + 0.25 * std::log(0.25));
  const double both = -(0.5 * std::log(0.5) + 2 * 0.25 * std::log(0.25));

  EXPECT_NEAR(NormalizedMutualInformation({1, 1, 2, 2}, {1, 1, 1, 2}), 2 * (a + b - both) / (a + b), 1e-12);
  EXPECT_NEAR(NormalizedMutualInformation({1, 1, 1, 2}, {1, 1, 2, 2}), 2 * (a + b - both) / (a + b), 1e-12);
}

TEST(ClusteringMetricsTest, FindsClassesThatAreClusters) {
  // The clusters are around 0, 120 and 240 degrees.
  Random random(3, 0, 0);
  std::vector<float> points;
  std::vector<int64_t> labels;
  for (int i = 0; i < 300; ++i) {
    const double angle = (120 * (i % 3) + random.Between(-20, 20)) * M_PI / 180;
    points.push_back(static_cast<float>(std::cos(angle)));
    points.push_back(static_cast<float>(std::sin(angle)));
    labels.push_back(10 * (i % 3));
  }

  ASSERT_OK_AND_ASSIGN(const double nmi, ClusteringNmi(points, 2, labels, /*seed=*/1));
  ASSERT_OK_AND_ASSIGN(const double again, ClusteringNmi(points, 2, labels, /*seed=*/1));

  EXPECT_DOUBLE_EQ(nmi, 1);
  EXPECT_EQ(nmi, again);
}

TEST(ClusteringMetricsTest, FindsLittleInLabelsDrawnByLot) {
  Random random(4, 0, 0);
  std::vector<float> points;
  std::vector<int64_t> labels;
  for (int i = 0; i < 2000; ++i) {
    points.push_back(static_cast<float>(random.Between(-1000, 1000)));
    points.push_back(static_cast<float>(random.Between(-1000, 1000)));
    labels.push_back(random.Between(1, 4));
  }

  ASSERT_OK_AND_ASSIGN(const double nmi, ClusteringNmi(points, 2, labels, /*seed=*/1));

  EXPECT_LT(nmi, 0.02);
}

TEST(ClusteringMetricsTest, RefusesWhatItCannotCluster) {
  const std::vector<float> points = {0, 1, 1, 0};
  const std::vector<float> not_finite = {0, 1, std::numeric_limits<float>::infinity(), 0};

  EXPECT_THAT(ClusteringNmi(points, 2, {1}, 1), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ClusteringNmi({}, 2, {}, 1), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ClusteringNmi(points, 0, {1, 2}, 1), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ClusteringNmi(not_finite, 2, {1, 2}, 1), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace semblance::trainer
