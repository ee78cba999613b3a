#include "index/rows/row_bounds.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/index/random_vectors.h"

namespace semblance::index {
namespace {

constexpr int kRows = 8 * static_cast<int>(RowBounds::kBlockRows);

class RowBoundsTest : public testing::TestWithParam<int> {
 protected:
  void SetRows(const std::vector<float>& rows) {
    rows_ = rows;
    for (int row = 0; row < kRows; ++row) {
      bounds_.SetRow(row, &rows_[static_cast<size_t>(row) * dimension()]);
    }
  }

  int dimension() const { return GetParam(); }

  std::vector<uint32_t> Above(const std::vector<float>& query, float threshold) const {
    std::vector<uint32_t> found;
    const RowBounds::Query coded(bounds_, query.data());
    bounds_.FindAbove(coded, 0, 3, threshold, &found);
    bounds_.FindAbove(coded, 3, 5, threshold, &found);
    return found;
  }

  std::vector<float> Scores(const std::vector<float>& query) const {
    std::vector<float> scores(kRows);
    DotProducts(query.data(), rows_.data(), kRows, dimension(), scores.data());
    return scores;
  }

  std::vector<float> rows_;
  RowBounds bounds_{GetParam(), kRows};
};

TEST_P(RowBoundsTest, MissNoRowAtAnyThresholdAndFindFewOthers) {
  RandomVectors random(dimension(), 0, 1);
  SetRows(random.Rows(kRows));
  int64_t found = 0;
  int64_t wanted = 0;
  for (int i = 0; i < 20; ++i) {
    const std::vector<float> query = random.Next();
    const std::vector<float> scores = Scores(query);
    // Takes every score as a threshold. The row with that score must be found.
    for (const float threshold : scores) {
      const std::vector<uint32_t> above = Above(query, threshold);
      for (uint32_t row = 0; row < kRows; ++row) {
        wanted += scores[row] >= threshold ? 1 : 0;
        ASSERT_TRUE(scores[row] < threshold || std::binary_search(above.begin(), above.end(), row)) << scores[row];
      }
      found += static_cast<int64_t>(above.size());
    }
  }
  // Scores of random vectors are about 1 / sqrt(dimension) from 0. In 512 dimensions the bound is a third of that above the score.
  EXPECT_LE(static_cast<double>(found), 1.3 * static_cast<double>(wanted));
}

TEST_P(RowBoundsTest, HoldForRowsOfAnySize) {
  RandomVectors random(dimension(), 0, 2);
  std::vector<float> rows = random.Rows(kRows);
  constexpr float kSizes[] = {0, 1e-40F, 1e-20F, 1e-3F, 1, 1e3F, 1e15F};
  for (size_t i = 0; i < rows.size(); ++i) {
    rows[i] *= kSizes[i / dimension() % std::size(kSizes)];
  }
  SetRows(rows);
  for (const float size : kSizes) {
    std::vector<float> query = random.Next();
    std::for_each(query.begin(), query.end(), [size](float& value) { value *= size; });
    const std::vector<float> scores = Scores(query);
    for (const float threshold : scores) {
      const std::vector<uint32_t> above = Above(query, threshold);
      for (uint32_t row = 0; row < kRows; ++row) {
        ASSERT_TRUE(scores[row] < threshold || std::binary_search(above.begin(), above.end(), row))
            << scores[row] << " of row " << row << " at " << threshold;
      }
    }
  }
}

TEST_P(RowBoundsTest, FindAllRowsWhileThereIsNoThreshold) {
  RandomVectors random(dimension(), 0, 3);
  SetRows(random.Rows(kRows));
  EXPECT_THAT(Above(random.Next(), -std::numeric_limits<float>::infinity()), ::testing::SizeIs(kRows));
}

INSTANTIATE_TEST_SUITE_P(Dimensions, RowBoundsTest, testing::Values(1, 3, 4, 17, 64, 130, 512));

}  // namespace
}  // namespace semblance::index
