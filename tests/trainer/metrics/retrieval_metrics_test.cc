#include "trainer/metrics/retrieval_metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "tests/testing/status_matchers.h"
#include "trainer/data/random.h"

namespace semblance::trainer {
namespace {

using ::testing::AllOf;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Optional;
using testing::StatusIs;
using testing::StatusMessage;

std::vector<float> OnCircle(const std::vector<double>& degrees) {
  std::vector<float> points;
  for (const double angle : degrees) {
    points.push_back(static_cast<float>(std::cos(angle * M_PI / 180)));
    points.push_back(static_cast<float>(std::sin(angle * M_PI / 180)));
  }
  return points;
}

RetrievalOptions RecallsAt(std::vector<int> ks) {
  RetrievalOptions options;
  options.recall_at = std::move(ks);
  return options;
}

std::vector<float> RandomUnitRows(int count, int dimension, Random* random) {
  std::vector<float> rows;
  for (int row = 0; row < count; ++row) {
    std::vector<double> values(static_cast<size_t>(dimension));
    for (double& value : values) {
      value = static_cast<double>(random->Next() >> 11) * 0x1p-52 - 1;
    }
    const double length = std::sqrt(std::inner_product(values.begin(), values.end(), values.begin(), 0.0));
    for (const double value : values) {
      rows.push_back(static_cast<float>(value / length));
    }
  }
  return rows;
}

// Computes the definitions as loops: every other example by descending score, one query after the other.
class SlowRetrieval {
 public:
  SlowRetrieval(std::vector<float> embeddings, int dimension, std::vector<int64_t> labels)
      : embeddings_(std::move(embeddings)), dimension_(dimension), labels_(std::move(labels)) {}

  double Recall(int k) const {
    return MeanOverQueries([k](const std::vector<bool>& hits) {
      return std::any_of(hits.begin(), hits.begin() + std::min<long>(k, static_cast<long>(hits.size())),
                         [](bool hit) { return hit; })
                 ? 1.0
                 : 0.0;
    });
  }

  double RPrecision() const {
    return MeanOverQueries([](const std::vector<bool>& hits) {
      const auto relevant = std::count(hits.begin(), hits.end(), true);
      return static_cast<double>(std::count(hits.begin(), hits.begin() + relevant, true)) / static_cast<double>(relevant);
    });
  }

  double MapAtR() const {
    return MeanOverQueries([](const std::vector<bool>& hits) {
      const auto relevant = std::count(hits.begin(), hits.end(), true);
      double sum = 0;
      for (int rank = 1; rank <= relevant; ++rank) {
        if (hits[static_cast<size_t>(rank) - 1]) {
          sum += static_cast<double>(std::count(hits.begin(), hits.begin() + rank, true)) / rank;
        }
      }
      return sum / static_cast<double>(relevant);
    });
  }

 private:
  // Returns for each of the other examples, best first, whether it has the label of the query.
  std::vector<bool> HitsOf(size_t query) const {
    std::vector<std::pair<double, size_t>> others;
    for (size_t other = 0; other < labels_.size(); ++other) {
      const float* const row = &embeddings_[other * static_cast<size_t>(dimension_)];
      const double score = std::inner_product(row, row + dimension_, &embeddings_[query * static_cast<size_t>(dimension_)], 0.0);
      if (other != query) {
        others.emplace_back(-score, other);
      }
    }
    std::sort(others.begin(), others.end());
    std::vector<bool> hits;
    for (const auto& [score, other] : others) {
      hits.push_back(labels_[other] == labels_[query]);
    }
    return hits;
  }

  template <typename Metric>
  double MeanOverQueries(Metric metric) const {
    double sum = 0;
    int queries = 0;
    for (size_t query = 0; query < labels_.size(); ++query) {
      if (std::count(labels_.begin(), labels_.end(), labels_[query]) > 1) {
        sum += metric(HitsOf(query));
        ++queries;
      }
    }
    return sum / queries;
  }

  const std::vector<float> embeddings_;
  const int dimension_;
  const std::vector<int64_t> labels_;
};

TEST(RetrievalMetricsTest, CountsQueriesWithAHitAmongTheNearestOthers) {
  // 0 and 8 find each other. 17 finds both of them before 35, and 35 finds 17 first.
  const std::vector<float> points = OnCircle({0, 8, 17, 35});
  const std::vector<int64_t> labels = {1, 1, 2, 2};

  ASSERT_OK_AND_ASSIGN(const RetrievalMetrics metrics, MeasureRetrieval(points, 2, labels, RecallsAt({1, 4, 2})));

  EXPECT_THAT(metrics.recall_at, ElementsAre(RecallAt{1, 0.75}, RecallAt{4, 1}, RecallAt{2, 0.75}));
  EXPECT_EQ(metrics.precision_at_1, 0.75);
}

TEST(RetrievalMetricsTest, IsWhatOneWorksOutByHand) {
  // The neighbors of each query of class 1, with R = 3, are as follows (h: of its class, m: of the other): 0: h m h, 1: h m h, 3.3:
  // m h h, 4.6: h m h.
  const std::vector<float> points = OnCircle({0, 1, 2.1, 3.3, 4.6});
  const std::vector<int64_t> labels = {1, 1, 2, 1, 1};

  ASSERT_OK_AND_ASSIGN(const RetrievalMetrics metrics, MeasureRetrieval(points, 2, labels, RecallsAt({1, 2})));

  EXPECT_THAT(metrics.recall_at, ElementsAre(RecallAt{1, 0.75}, RecallAt{2, 1}));
  EXPECT_THAT(metrics.r_precision, Optional(DoubleNear(2.0 / 3, 1e-12)));
  const double three_queries = (1.0 + 2.0 / 3) / 3;
  const double one_query = (1.0 / 2 + 2.0 / 3) / 3;
  EXPECT_THAT(metrics.map_at_r, Optional(DoubleNear((3 * three_queries + one_query) / 4, 1e-12)));
}

TEST(RetrievalMetricsTest, LeavesOutQueriesWithoutAnAnswerAndCountsThem) {
  const std::vector<float> points = OnCircle({0, 10, 12, 30, 120});
  const std::vector<int64_t> labels = {1, 1, 3, 2, 4};

  ASSERT_OK_AND_ASSIGN(const RetrievalMetrics metrics, MeasureRetrieval(points, 2, labels, RecallsAt({1, 2})));

  // 12 is nearer to 10 than the others of its class.
  EXPECT_EQ(metrics.queries, 2);
  EXPECT_EQ(metrics.left_out, 3);
  EXPECT_THAT(metrics.recall_at, ElementsAre(RecallAt{1, 0.5}, RecallAt{2, 1}));
  EXPECT_THAT(metrics.classes, ElementsAre(ClassRetrieval{1, 2, 0.5, 0.5}));
}

TEST(RetrievalMetricsTest, IsZeroWithoutAnyQuery) {
  ASSERT_OK_AND_ASSIGN(const RetrievalMetrics metrics, MeasureRetrieval(OnCircle({0, 10}), 2, {1, 2}, RecallsAt({1})));

  EXPECT_EQ(metrics.queries, 0);
  EXPECT_EQ(metrics.left_out, 2);
  EXPECT_THAT(metrics.recall_at, ElementsAre(RecallAt{1, 0}));
  EXPECT_THAT(metrics.map_at_r, Optional(0.0));
  EXPECT_THAT(metrics.classes, IsEmpty());
}

TEST(RetrievalMetricsTest, TellsClassesApart) {
  // Class 7 is a tight cluster. In class 5, 40 finds 42 first, and 80 finds 42 first.
  const std::vector<float> points = OnCircle({40, 0, 1, 2, 42, 80});
  const std::vector<int64_t> labels = {5, 7, 7, 7, 9, 5};

  ASSERT_OK_AND_ASSIGN(const RetrievalMetrics metrics, MeasureRetrieval(points, 2, labels, RecallsAt({1})));

  EXPECT_THAT(metrics.classes, ElementsAre(ClassRetrieval{5, 2, 0, 0}, ClassRetrieval{7, 3, 1, 1}));
}

TEST(RetrievalMetricsTest, LeavesTheQueryOutByIndexAlsoAmongEqualVectors) {
  const std::vector<float> points = OnCircle({50, 50, 50, 50, 50, 50});

  ASSERT_OK_AND_ASSIGN(const RetrievalMetrics equal, MeasureRetrieval(points, 2, {1, 1, 1, 1, 1, 1}, RecallsAt({1, 5})));
  ASSERT_OK_AND_ASSIGN(const RetrievalMetrics pair, MeasureRetrieval(points, 2, {1, 2, 3, 4, 5, 1}, RecallsAt({5})));

  EXPECT_THAT(equal.recall_at, ElementsAre(RecallAt{1, 1}, RecallAt{5, 1}));
  EXPECT_THAT(equal.map_at_r, Optional(1.0));
  EXPECT_THAT(pair.recall_at, ElementsAre(RecallAt{5, 1}));
}

TEST(RetrievalMetricsTest, AnEqualVectorOfAnotherClassIsTheNearest) {
  const std::vector<float> points = OnCircle({0, 0, 10, 10});

  ASSERT_OK_AND_ASSIGN(const RetrievalMetrics metrics, MeasureRetrieval(points, 2, {1, 2, 1, 2}, RecallsAt({1, 3})));

  EXPECT_THAT(metrics.recall_at, ElementsAre(RecallAt{1, 0}, RecallAt{3, 1}));
  EXPECT_THAT(metrics.r_precision, Optional(0.0));
}

TEST(RetrievalMetricsTest, AgreesWithSlowLoops) {
  constexpr int kCount = 200;
  constexpr int kDimension = 5;
  Random random(5, 0, 0);
  const std::vector<float> points = RandomUnitRows(kCount, kDimension, &random);
  std::vector<int64_t> labels = {100, 101};
  while (labels.size() < kCount) {
    labels.push_back(random.Between(0, 9));
  }
  const SlowRetrieval slow(points, kDimension, labels);

  ASSERT_OK_AND_ASSIGN(const RetrievalMetrics metrics, MeasureRetrieval(points, kDimension, labels, RecallsAt({1, 3, 8, 1000})));

  EXPECT_EQ(metrics.left_out, 2);
  for (const RecallAt& entry : metrics.recall_at) {
    EXPECT_NEAR(entry.recall, slow.Recall(entry.k), 1e-12) << entry.k;
  }
  EXPECT_THAT(metrics.r_precision, Optional(DoubleNear(slow.RPrecision(), 1e-12)));
  EXPECT_THAT(metrics.map_at_r, Optional(DoubleNear(slow.MapAtR(), 1e-12)));
}

// The largest class leads to blocks of about 1,400 queries.
TEST(RetrievalMetricsTest, AgreesWithSlowLoopsOverSeveralBlocks) {
  constexpr int kCount = 1500;
  constexpr int kDimension = 8;
  Random random(6, 0, 0);
  const std::vector<float> points = RandomUnitRows(kCount, kDimension, &random);
  std::vector<int64_t> labels(1001, 1);
  while (labels.size() < kCount) {
    labels.push_back(random.Between(2, 40));
  }
  const SlowRetrieval slow(points, kDimension, labels);

  ASSERT_OK_AND_ASSIGN(const RetrievalMetrics metrics, MeasureRetrieval(points, kDimension, labels, RecallsAt({1})));

  // Neighbors whose scores are equal in float32 may be in either order.
  EXPECT_NEAR(metrics.precision_at_1, slow.Recall(1), 1e-3);
  EXPECT_THAT(metrics.r_precision, Optional(DoubleNear(slow.RPrecision(), 1e-4)));
  EXPECT_THAT(metrics.map_at_r, Optional(DoubleNear(slow.MapAtR(), 1e-4)));
}

TEST(RetrievalMetricsTest, MeasuresRecallAloneWhereThatIsAsked) {
  RetrievalOptions options = RecallsAt({1});
  options.by_class_size = false;
  options.max_neighbors = 1;

  ASSERT_OK_AND_ASSIGN(const RetrievalMetrics metrics, MeasureRetrieval(OnCircle({0, 1, 2}), 2, {1, 1, 1}, options));

  EXPECT_EQ(metrics.precision_at_1, 1);
  EXPECT_EQ(metrics.r_precision, std::nullopt);
  EXPECT_EQ(metrics.map_at_r, std::nullopt);
  EXPECT_THAT(metrics.classes, ElementsAre(ClassRetrieval{1, 3, 1, std::nullopt}));
}

TEST(RetrievalMetricsTest, RefusesMetricsThatNeedMoreNeighborsThanItMayLookAt) {
  RetrievalOptions options = RecallsAt({1, 2});
  options.max_neighbors = 2;
  const std::vector<float> points = OnCircle({0, 1, 2, 3, 4});

  EXPECT_OK(MeasureRetrieval(points, 2, {1, 1, 1, 2, 2}, options));
  EXPECT_THAT(MeasureRetrieval(points, 2, {1, 1, 1, 1, 2}, options),
              AllOf(StatusIs(absl::StatusCode::kInvalidArgument),
                    StatusMessage(HasSubstr("need 3 neighbours of a query, all of the largest class; at most 2"))));
  options.recall_at = {3};
  EXPECT_THAT(MeasureRetrieval(points, 2, {1, 1, 1, 2, 2}, options),
              AllOf(StatusIs(absl::StatusCode::kInvalidArgument), StatusMessage(HasSubstr("recall at 3"))));
}

TEST(RetrievalMetricsTest, RefusesWhatItCannotMeasure) {
  const std::vector<float> points = OnCircle({0, 10});
  const std::vector<float> not_finite = {1, 0, 0, std::numeric_limits<float>::quiet_NaN()};

  EXPECT_THAT(MeasureRetrieval(points, 2, {1, 1, 1}, RecallsAt({1})), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(MeasureRetrieval(points, 0, {1, 1}, RecallsAt({1})), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(MeasureRetrieval(OnCircle({0}), 2, {1}, RecallsAt({1})), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(MeasureRetrieval(points, 2, {1, 1}, RecallsAt({0})), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(MeasureRetrieval(not_finite, 2, {1, 1}, RecallsAt({1})), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(RetrievalMetricsTest, RecallAtKIsTheRecallsAlone) {
  const std::vector<float> points = OnCircle({0, 10, 30, 35});

  ASSERT_OK_AND_ASSIGN(const std::vector<double> recalls, RecallAtK(points, 2, {1, 2, 1, 2}, {1, 2, 3}));

  EXPECT_THAT(recalls, ElementsAre(0, 0.5, 1));
  EXPECT_THAT(RecallAtK(points, 2, {1, 2, 1, 2}, {}), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace semblance::trainer
