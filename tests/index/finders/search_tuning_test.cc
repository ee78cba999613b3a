#include "index/finders/search_tuning.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include "gtest/gtest.h"
#include "tests/index/random_vectors.h"

namespace semblance::index {
namespace {

constexpr int kDimension = 8;
constexpr int kRows = 400;

class TuneEffortTest : public ::testing::Test {
 protected:
  TuningTask Task(double target_recall) const { return {vectors_, kDimension, queries_, efforts_, target_recall}; }

  float Score(const float* query, uint32_t row) const {
    return std::inner_product(query, query + kDimension, &vectors_[row * kDimension], 0.0F);
  }

  // Returns the `count` best rows, and does not count those that serve as queries.
  std::vector<uint32_t> Nearest(const float* query, int count) const {
    std::vector<uint32_t> rows;
    for (uint32_t row = 0; row < vectors_.size() / kDimension; ++row) {
      if (std::find(queries_.begin(), queries_.end(), row) == queries_.end()) {
        rows.push_back(row);
      }
    }
    std::sort(rows.begin(), rows.end(), [&](uint32_t a, uint32_t b) { return Score(query, a) > Score(query, b); });
    rows.resize(std::min<size_t>(rows.size(), count));
    return rows;
  }

  RandomVectors random_{kDimension, 0, 1};
  std::vector<float> vectors_ = random_.Rows(kRows);
  std::vector<uint32_t> queries_ = {3, 50, 399, 7, 120};
  std::vector<int> efforts_ = {1, 3, 5, 7, 9, 11};
};

TEST_F(TuneEffortTest, ReturnsTheSmallestEffortThatReachesTheTarget) {
  std::vector<int> tried;
  const auto search = [&](const float* query, int effort) {
    tried.push_back(effort);
    return Nearest(query, effort);
  };
  const TunedEffort tuned = TuneEffort(Task(0.7), search);
  EXPECT_EQ(tuned.effort, 7);
  EXPECT_DOUBLE_EQ(tuned.recall, 0.7);
  EXPECT_EQ(tried.size(), 4 * queries_.size()) << "no greater effort is tried";
  EXPECT_EQ(TuneEffort(Task(0.71), search).effort, 9);
  EXPECT_EQ(TuneEffort(Task(1), search).effort, 11);
}

TEST_F(TuneEffortTest, ReturnsTheLastEffortWhenNoneReachesTheTarget) {
  const TunedEffort tuned = TuneEffort(Task(0.9), [&](const float* query, int) { return Nearest(query, 4); });
  EXPECT_EQ(tuned.effort, 11);
  EXPECT_DOUBLE_EQ(tuned.recall, 0.4);
}

TEST_F(TuneEffortTest, DoesNotCountTheQueriesAsRows) {
  // A query is the best row for itself. Without it the search below finds 9 of 10.
  const auto search = [&](const float* query, int) {
    std::vector<uint32_t> found = Nearest(query, 9);
    found.insert(found.end(), queries_.begin(), queries_.end());
    return found;
  };
  EXPECT_DOUBLE_EQ(TuneEffort(Task(1), search).recall, 0.9);
}

TEST_F(TuneEffortTest, CountsAnyRowThatScoresAsTheTenthDoes) {
  // All rows are copies, so any 10 of them are the true nearest.
  for (size_t i = kDimension; i < vectors_.size(); ++i) {
    vectors_[i] = vectors_[i - kDimension];
  }
  const auto search = [](const float*, int) {
    std::vector<uint32_t> last(10);
    std::iota(last.begin(), last.end(), 300);
    return last;
  };
  EXPECT_DOUBLE_EQ(TuneEffort(Task(1), search).recall, 1);
}

TEST_F(TuneEffortTest, ExpectsNoMoreRowsThanThereAre) {
  vectors_.resize(6 * kDimension);
  queries_ = {0, 1};
  EXPECT_DOUBLE_EQ(TuneEffort(Task(1), [&](const float* query, int) { return Nearest(query, 4); }).recall, 1);
  EXPECT_DOUBLE_EQ(TuneEffort(Task(1), [&](const float* query, int) { return Nearest(query, 2); }).recall, 0.5);
}

TEST_F(TuneEffortTest, TakesTheFirstEffortWhenThereIsNothingToFind) {
  queries_.clear();
  const TunedEffort without_queries = TuneEffort(Task(1), [](const float*, int) { return std::vector<uint32_t>(); });
  EXPECT_EQ(without_queries.effort, 1);
  EXPECT_EQ(without_queries.recall, 1);
  vectors_.resize(kDimension);
  queries_ = {0};
  EXPECT_EQ(TuneEffort(Task(1), [](const float*, int) { return std::vector<uint32_t>(); }).effort, 1);
}

}  // namespace
}  // namespace semblance::index
