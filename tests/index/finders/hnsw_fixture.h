// Coded rows, graphs over them, and the share of the true neighbors that a graph finds.
//
// Not thread-safe.
#ifndef SEMBLANCE_TESTS_INDEX_FINDERS_HNSW_FIXTURE_H_
#define SEMBLANCE_TESTS_INDEX_FINDERS_HNSW_FIXTURE_H_

#include <algorithm>
#include <functional>
#include <stop_token>
#include <vector>

#include "gtest/gtest.h"
#include "index/finders/hnsw_builder.h"
#include "index/finders/hnsw_walk.h"
#include "tests/index/random_vectors.h"
#include "tests/testing/status_matchers.h"

namespace semblance::index {

class HnswFixture : public ::testing::Test {
 protected:
  static constexpr int kDimension = 24;

  void SetRows(const std::vector<float>& vectors) {
    const auto rows = static_cast<int64_t>(vectors.size()) / kDimension;
    codes_ = RowCodes(kDimension, rows, RowCodes::ChooseScale(vectors));
    for (int64_t row = 0; row < rows; ++row) {
      codes_.SetRow(row, &vectors[static_cast<size_t>(row * kDimension)]);
    }
  }

  HnswGraph Build(int threads, int64_t late_rows = 0) {
    HnswBuilder builder(&codes_, {.m = 8, .ef_construction = 60, .threads = threads}, late_rows);
    EXPECT_OK(builder.InsertMost(stop_.get_token()));
    EXPECT_OK(builder.InsertLate(stop_.get_token()));
    return builder.Take();
  }

  // Returns the 10 best rows by code that the graph finds.
  std::vector<ScoredNode> Search(const HnswGraph& graph, const std::vector<float>& query, int ef) {
    const HnswLevels levels(graph, codes_);
    HnswWalk walk(codes_.rows(), codes_);
    const std::vector<int8_t> coded = codes_.EncodeQuery(query.data());
    const Int8Query int8_query(coded);
    uint32_t node = 0;
    for (int level = levels.top(); level > 0; --level) {
      node = walk.Climb(levels.level(level), int8_query, node);
    }
    const uint32_t start = levels.top() > 0 ? graph.upper_rows[node] : graph.entry_row;
    const absl::Span<ScoredNode> found = walk.Explore(levels.level(0), int8_query, start, {.ef = ef});
    std::vector<ScoredNode> best(found.begin(), found.end());
    std::sort(best.begin(), best.end(), std::greater<>());
    best.resize(std::min<size_t>(best.size(), 10));
    return best;
  }

  // Returns the share of the true 10 best rows by code that the graph finds, over 100 queries.
  double Recall(const HnswGraph& graph, int ef) {
    int hits = 0;
    constexpr int kQueries = 100;
    for (int i = 0; i < kQueries; ++i) {
      const std::vector<float> query = random_.Next();
      const std::vector<int8_t> coded = codes_.EncodeQuery(query.data());
      std::vector<int32_t> scores;
      for (int64_t row = 0; row < codes_.rows(); ++row) {
        scores.push_back(DotInt8(Int8Query(coded), codes_.row(row)));
      }
      std::nth_element(scores.begin(), scores.begin() + 9, scores.end(), std::greater<>());
      const std::vector<ScoredNode> found = Search(graph, query, ef);
      hits += static_cast<int>(std::count_if(found.begin(), found.end(), [&](ScoredNode one) { return one.score() >= scores[9]; }));
    }
    return hits / (10.0 * kQueries);
  }

  RandomVectors random_{kDimension, 0, 1};
  RowCodes codes_;
  std::stop_source stop_;
};

}  // namespace semblance::index

#endif  // SEMBLANCE_TESTS_INDEX_FINDERS_HNSW_FIXTURE_H_
