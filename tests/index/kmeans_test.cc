#include "index/kmeans.h"

#include <algorithm>
#include <limits>
#include <set>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/index/random_vectors.h"
#include "tests/testing/status_matchers.h"

namespace semblance::index {
namespace {

using ::semblance::testing::StatusIs;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::Ge;
using ::testing::Lt;

KMeansOptions Clusters(int clusters) {
  KMeansOptions options;
  options.clusters = clusters;
  return options;
}

float SquaredDistance(const float* a, const float* b, int dimension) {
  float sum = 0;
  for (int i = 0; i < dimension; ++i) {
    sum += (a[i] - b[i]) * (a[i] - b[i]);
  }
  return sum;
}

TEST(KMeans, KeepsWhatIsFarApartApart) {
  const std::vector<float> rows = {0, 0, 100, 100, 0, 1, 100, 101, 1, 0};

  ASSERT_OK_AND_ASSIGN(const std::vector<int64_t> clusters, KMeansClusters(rows, 2, Clusters(2)));

  ASSERT_EQ(clusters.size(), 5U);
  EXPECT_EQ(clusters[0], clusters[2]);
  EXPECT_EQ(clusters[0], clusters[4]);
  EXPECT_EQ(clusters[1], clusters[3]);
  EXPECT_NE(clusters[0], clusters[1]);
}

TEST(KMeans, PutsEveryRowNearTheMeanOfItsCluster) {
  constexpr int kDimension = 5;
  constexpr int kRows = 2000;
  constexpr int kClusters = 4;
  const std::vector<float> rows = RandomVectors(kDimension, kClusters, 7).Rows(kRows);
  KMeansOptions options = Clusters(kClusters);
  options.iterations = 200;

  ASSERT_OK_AND_ASSIGN(const std::vector<int64_t> clusters, KMeansClusters(rows, kDimension, options));

  std::vector<float> means(kClusters * kDimension, 0);
  std::vector<int> counts(kClusters, 0);
  ASSERT_THAT(clusters, Each(AllOf(Ge(0), Lt(kClusters))));
  for (int row = 0; row < kRows; ++row) {
    ++counts[clusters[row]];
    for (int i = 0; i < kDimension; ++i) {
      means[clusters[row] * kDimension + i] += rows[row * kDimension + i];
    }
  }
  for (int i = 0; i < kClusters * kDimension; ++i) {
    means[i] /= static_cast<float>(counts[i / kDimension]);
  }
  for (int row = 0; row < kRows; ++row) {
    const float own = SquaredDistance(&rows[row * kDimension], &means[clusters[row] * kDimension], kDimension);
    for (int other = 0; other < kClusters; ++other) {
      EXPECT_LE(own, SquaredDistance(&rows[row * kDimension], &means[other * kDimension], kDimension) + 1e-4F);
    }
  }
}

TEST(KMeans, GivesTheSameClustersForTheSameSeed) {
  const std::vector<float> rows = RandomVectors(8, 0, 3).Rows(1000);
  KMeansOptions other_seed = Clusters(20);
  other_seed.seed = 2;

  ASSERT_OK_AND_ASSIGN(const std::vector<int64_t> first, KMeansClusters(rows, 8, Clusters(20)));
  ASSERT_OK_AND_ASSIGN(const std::vector<int64_t> second, KMeansClusters(rows, 8, Clusters(20)));
  ASSERT_OK_AND_ASSIGN(const std::vector<int64_t> other, KMeansClusters(rows, 8, other_seed));

  EXPECT_EQ(first, second);
  EXPECT_NE(first, other);
}

TEST(KMeans, TakesAsManyClustersAsRows) {
  const std::vector<float> rows = {0, 1, 2, 3};

  ASSERT_OK_AND_ASSIGN(const std::vector<int64_t> clusters, KMeansClusters(rows, 1, Clusters(4)));

  EXPECT_EQ(std::set<int64_t>(clusters.begin(), clusters.end()).size(), 4U);
}

TEST(KMeans, TakesEqualRows) {
  const std::vector<float> rows(30, 0.5F);

  ASSERT_OK_AND_ASSIGN(const std::vector<int64_t> clusters, KMeansClusters(rows, 3, Clusters(4)));

  EXPECT_THAT(clusters, Each(AllOf(Ge(0), Lt(4))));
}

TEST(KMeans, RefusesWhatItCannotCluster) {
  const std::vector<float> rows = {0, 1, 2, 3};
  const std::vector<float> not_finite = {0, std::numeric_limits<float>::quiet_NaN()};
  KMeansOptions no_iterations = Clusters(2);
  no_iterations.iterations = 0;

  EXPECT_THAT(KMeansClusters(rows, 3, Clusters(1)), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(KMeansClusters(rows, 2, Clusters(3)), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(KMeansClusters(rows, 2, Clusters(0)), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(KMeansClusters({}, 2, Clusters(1)), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(KMeansClusters(rows, 2, no_iterations), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(KMeansClusters(not_finite, 1, Clusters(1)), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace semblance::index
