#include "index/exact_search.h"

#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace semblance::index {
namespace {

using ::semblance::testing::StatusIs;
using ::testing::ElementsAre;

std::vector<float> RandomRows(int rows, int dimension, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<size_t>(rows) * dimension);
  std::generate(values.begin(), values.end(), [&] { return normal(random); });
  return values;
}

double SlowDot(const float* a, const float* b, int dimension) {
  double sum = 0;
  for (int i = 0; i < dimension; ++i) {
    sum += static_cast<double>(a[i]) * b[i];
  }
  return sum;
}

// Returns all scores of one query, best first.
std::vector<double> SlowScores(const float* query, const std::vector<float>& base, int dimension) {
  std::vector<double> scores;
  for (size_t row = 0; row < base.size(); row += dimension) {
    scores.push_back(SlowDot(query, &base[row], dimension));
  }
  std::sort(scores.rbegin(), scores.rend());
  return scores;
}

// FAISS has different code for few and for many queries.
class ExactSearchTest : public ::testing::TestWithParam<int> {};

TEST_P(ExactSearchTest, FindsWhatSlowLoopsFind) {
  constexpr int kDimension = 19;
  constexpr int kNeighbors = 7;
  const std::vector<float> queries = RandomRows(GetParam(), kDimension, 1);
  const std::vector<float> base = RandomRows(1500, kDimension, 2);

  ASSERT_OK_AND_ASSIGN(const ExactNeighbors found, ExactSearch(queries, base, kDimension, kNeighbors));

  ASSERT_EQ(found.indices.size(), static_cast<size_t>(GetParam()) * kNeighbors);
  for (int query = 0; query < GetParam(); ++query) {
    const float* vector = &queries[query * kDimension];
    const std::vector<double> expected = SlowScores(vector, base, kDimension);
    for (int rank = 0; rank < kNeighbors; ++rank) {
      const size_t slot = query * kNeighbors + rank;
      EXPECT_NEAR(found.scores[slot], expected[rank], 1e-4);
      EXPECT_NEAR(SlowDot(vector, &base[found.indices[slot] * kDimension], kDimension), expected[rank], 1e-4);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(FewAndManyQueries, ExactSearchTest, ::testing::Values(1, 3, 64));

TEST(ExactSearch, FillsUpWithMinusOneWhenTheBaseIsSmall) {
  const std::vector<float> query = {1, 0};
  const std::vector<float> base = {0, 1, 1, 0};
  ASSERT_OK_AND_ASSIGN(const ExactNeighbors found, ExactSearch(query, base, 2, 3));
  EXPECT_THAT(found.indices, ElementsAre(1, 0, -1));
}

TEST(ExactSearch, OrdersEqualScoresByIndex) {
  const std::vector<float> query = {1, 0};
  const std::vector<float> base = {0, 1, 1, 0, 1, 0, 0, 1, 1, 0};
  ASSERT_OK_AND_ASSIGN(const ExactNeighbors found, ExactSearch(query, base, 2, 5));
  EXPECT_THAT(found.indices, ElementsAre(1, 2, 4, 0, 3));
}

TEST(ExactSearch, AcceptsNoQueriesAndAnEmptyBase) {
  ASSERT_OK_AND_ASSIGN(const ExactNeighbors none, ExactSearch({}, std::vector<float>{1, 0}, 2, 1));
  EXPECT_TRUE(none.indices.empty());
  ASSERT_OK_AND_ASSIGN(const ExactNeighbors empty, ExactSearch(std::vector<float>{1, 0}, {}, 2, 1));
  EXPECT_THAT(empty.indices, ElementsAre(-1));
}

TEST(ExactSearch, RefusesSizesThatAreNoWholeRows) {
  const std::vector<float> three = {1, 2, 3};
  const std::vector<float> two = {1, 2};
  EXPECT_THAT(ExactSearch(three, two, 2, 1), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ExactSearch(two, three, 2, 1), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ExactSearch(two, two, 2, 0), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ExactSearch(two, two, 0, 1), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace semblance::index
