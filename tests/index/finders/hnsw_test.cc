// The graph: building it and walking through it.
#include <algorithm>
#include <atomic>
#include <functional>
#include <vector>

#include "index/finders/hnsw_builder.h"
#include "index/finders/hnsw_walk.h"
#include "tests/index/random_vectors.h"
#include "tests/testing/status_matchers.h"

namespace semblance::index {
namespace {

using testing::StatusIs;

constexpr int kDimension = 24;

class HnswTest : public ::testing::Test {
 protected:
  void SetRows(const std::vector<float>& vectors) {
    const auto rows = static_cast<int64_t>(vectors.size()) / kDimension;
    codes_ = RowCodes(kDimension, rows, RowCodes::ChooseScale(vectors));
    for (int64_t row = 0; row < rows; ++row) {
      codes_.SetRow(row, &vectors[static_cast<size_t>(row * kDimension)]);
    }
  }

  HnswGraph Build(int threads, int64_t late_rows = 0) {
    HnswBuilder builder(&codes_, {.m = 8, .ef_construction = 60, .threads = threads}, late_rows);
    EXPECT_OK(builder.InsertMost(stop_));
    EXPECT_OK(builder.InsertLate(stop_));
    return builder.Take();
  }

  // The 10 best by code, from the graph.
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

  // The share of the 10 best by code that the graph finds.
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
  std::atomic<bool> stop_{false};
};

TEST_F(HnswTest, FindsNearlyAllNeighborsHoweverManyThreadsBuiltIt) {
  SetRows(random_.Rows(4000));
  for (const int threads : {1, 3}) {
    const HnswGraph graph = Build(threads);
    EXPECT_OK(graph.Validate());
    EXPECT_GE(Recall(graph, 100), 0.97) << threads << " threads";
    EXPECT_GT(Recall(graph, 200), Recall(graph, 12)) << threads << " threads";
  }
}

TEST_F(HnswTest, IsAFunctionOfTheRowsWithOneThread) {
  SetRows(random_.Rows(1500));
  const HnswGraph first = Build(1);
  const HnswGraph second = Build(1);
  EXPECT_TRUE(std::equal(first.ground.data(), first.ground.data() + first.ground.size(), second.ground.data()));
  EXPECT_EQ(first.upper_links, second.upper_links);
}

TEST_F(HnswTest, FindsRowsThatWereAddedLaterAndThoseThatWereThere) {
  for (const int base_rows : {2, 5, 2000}) {
    const std::vector<float> rows = random_.Rows(4000);
    SetRows({rows.begin(), rows.begin() + base_rows * kDimension});
    const HnswGraph base = Build(1);
    SetRows(rows);
    HnswBuilder builder(&codes_, {.m = 8, .ef_construction = 60, .threads = 2}, base, 50);
    ASSERT_OK(builder.InsertMost(stop_));
    EXPECT_EQ(builder.late_rows().size(), 50u);
    ASSERT_OK(builder.InsertLate(stop_));
    const HnswGraph graph = builder.Take();
    EXPECT_OK(graph.Validate());
    EXPECT_EQ(graph.rows(), 4000);
    EXPECT_EQ(graph.level_nodes.size(), base.level_nodes.size());
    EXPECT_GE(Recall(graph, 100), 0.96) << base_rows << " before";
  }
}

TEST_F(HnswTest, LeavesLateRowsOutUntilTheEnd) {
  SetRows(random_.Rows(1000));
  HnswBuilder builder(&codes_, {.m = 8, .ef_construction = 60, .threads = 1}, 50);
  ASSERT_OK(builder.InsertMost(stop_));
  const std::vector<uint32_t> late(builder.late_rows().begin(), builder.late_rows().end());
  EXPECT_EQ(late.size(), 50u);
  const auto is_linked = [&builder](uint32_t row) {
    const BigArray<uint32_t>& ground = builder.graph().ground;
    return std::find(ground.data(), ground.data() + ground.size(), row) != ground.data() + ground.size();
  };
  EXPECT_TRUE(std::none_of(late.begin(), late.end(), is_linked));
  ASSERT_OK(builder.InsertLate(stop_));
  EXPECT_TRUE(std::all_of(late.begin(), late.end(), is_linked));
}

TEST_F(HnswTest, TakesOneRowTwoRowsAndRowsThatAreAllTheSame) {
  for (const int rows : {1, 2, 3}) {
    SetRows(random_.Rows(rows));
    EXPECT_EQ(Search(Build(2), random_.Next(), 10).size(), static_cast<size_t>(rows));
  }
  const std::vector<float> one = random_.Next();
  std::vector<float> same;
  for (int i = 0; i < 500; ++i) {
    same.insert(same.end(), one.begin(), one.end());
  }
  SetRows(same);
  EXPECT_EQ(Search(Build(2), one, 10).size(), 10u);
}

TEST_F(HnswTest, StopsWhenTold) {
  SetRows(random_.Rows(500));
  HnswBuilder builder(&codes_, {.m = 8, .ef_construction = 60, .threads = 2}, 0);
  stop_ = true;
  EXPECT_THAT(builder.InsertMost(stop_), StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(HnswTest, ValidateFindsLinksThatPointNowhere) {
  SetRows(random_.Rows(500));
  const auto damaged = [this](const std::function<void(HnswGraph*)>& damage) {
    HnswGraph graph = Build(1);
    damage(&graph);
    return graph.Validate();
  };
  EXPECT_OK(damaged([](HnswGraph*) {}));
  const auto is_data_loss = StatusIs(absl::StatusCode::kDataLoss);
  EXPECT_THAT(damaged([](HnswGraph* graph) { graph->ground[7] = 500; }), is_data_loss);
  EXPECT_THAT(damaged([](HnswGraph* graph) { graph->entry_row = 500; }), is_data_loss);
  EXPECT_THAT(damaged([](HnswGraph* graph) { graph->upper_rows[0] = kNoLink; }), is_data_loss);
  EXPECT_THAT(damaged([](HnswGraph* graph) { graph->upper_links.back() = 400; }), is_data_loss);
  EXPECT_THAT(damaged([](HnswGraph* graph) { graph->upper_links.pop_back(); }), is_data_loss);
  EXPECT_THAT(damaged([](HnswGraph* graph) { ++graph->level_nodes[0]; }), is_data_loss);
}

}  // namespace
}  // namespace semblance::index
