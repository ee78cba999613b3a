#include "trainer/retrieval_metrics.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "tests/testing/status_matchers.h"
#include "trainer/random.h"

namespace semblance {
namespace {

using ::testing::ElementsAre;
using testing::StatusIs;

std::vector<float> OnCircle(const std::vector<double>& degrees) {
  std::vector<float> points;
  for (const double angle : degrees) {
    points.push_back(static_cast<float>(std::cos(angle * M_PI / 180)));
    points.push_back(static_cast<float>(std::sin(angle * M_PI / 180)));
  }
  return points;
}

TEST(RetrievalMetricsTest, CountsQueriesWithAHitAmongTheNearestOthers) {
  // 0 and 10 find each other; 20 finds 10 (wrong) first and then 30; 30 finds 20 at once; 120 has no other of its class.
  const std::vector<float> points = OnCircle({0, 10, 21, 30, 120});
  const std::vector<int64_t> labels = {1, 1, 2, 2, 3};

  ASSERT_OK_AND_ASSIGN(const std::vector<double> recalls, RecallAtK(points, 2, labels, {1, 2, 4}));

  EXPECT_THAT(recalls, ElementsAre(4.0 / 5, 4.0 / 5, 4.0 / 5));
}

TEST(RetrievalMetricsTest, RisesWithK) {
  const std::vector<float> points = OnCircle({0, 10, 30, 35});
  const std::vector<int64_t> labels = {1, 2, 1, 2};

  ASSERT_OK_AND_ASSIGN(const std::vector<double> recalls, RecallAtK(points, 2, labels, {1, 2, 3}));

  EXPECT_THAT(recalls, ElementsAre(0, 0.5, 1));
}

TEST(RetrievalMetricsTest, LeavesTheQueryOutByIndexAlsoAmongEqualVectors) {
  const std::vector<float> points = OnCircle({50, 50, 50, 50, 50, 50});

  ASSERT_OK_AND_ASSIGN(const std::vector<double> distinct, RecallAtK(points, 2, {1, 2, 3, 4, 5, 6}, {1, 5}));
  ASSERT_OK_AND_ASSIGN(const std::vector<double> equal, RecallAtK(points, 2, {1, 1, 1, 1, 1, 1}, {1, 5}));

  EXPECT_THAT(distinct, ElementsAre(0, 0));
  EXPECT_THAT(equal, ElementsAre(1, 1));
}

TEST(RetrievalMetricsTest, AgreesWithASlowLoop) {
  constexpr int kCount = 300;
  constexpr int kDimension = 5;
  Random random(5, 0, 0);
  std::vector<float> points;
  std::vector<int64_t> labels;
  for (int i = 0; i < kCount * kDimension; ++i) {
    points.push_back(static_cast<float>(random.Between(-1000, 1000)) / 1000);
  }
  for (int i = 0; i < kCount; ++i) {
    labels.push_back(random.Between(0, 9));
  }
  int hits_at_3 = 0;
  for (int query = 0; query < kCount; ++query) {
    std::vector<std::pair<double, int>> others;
    for (int other = 0; other < kCount; ++other) {
      const double score = std::inner_product(points.begin() + query * kDimension, points.begin() + (query + 1) * kDimension,
                                              points.begin() + other * kDimension, 0.0);
      if (other != query) {
        others.emplace_back(-score, other);
      }
    }
    std::sort(others.begin(), others.end());
    hits_at_3 += std::any_of(others.begin(), others.begin() + 3, [&](const auto& other) {
      return labels[static_cast<size_t>(other.second)] == labels[static_cast<size_t>(query)];
    });
  }

  ASSERT_OK_AND_ASSIGN(const std::vector<double> recalls, RecallAtK(points, kDimension, labels, {3}));

  EXPECT_DOUBLE_EQ(recalls[0], static_cast<double>(hits_at_3) / kCount);
}

TEST(RetrievalMetricsTest, RefusesWhatItCannotMeasure) {
  const std::vector<float> points = OnCircle({0, 10});

  EXPECT_THAT(RecallAtK(points, 2, {1, 1, 1}, {1}), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(RecallAtK(OnCircle({0}), 2, {1}, {1}), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(RecallAtK(points, 2, {1, 1}, {0}), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(RecallAtK(points, 2, {1, 1}, {}), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace semblance
