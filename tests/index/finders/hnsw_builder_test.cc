#include "index/finders/hnsw_builder.h"

#include <algorithm>
#include <set>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/index/finders/hnsw_fixture.h"
#include "tests/testing/status_matchers.h"

namespace semblance::index {
namespace {

using ::semblance::testing::StatusIs;

class HnswBuilderTest : public HnswFixture {
 protected:
  // Expects lists of distinct links to other nodes, with nothing behind their end.
  static void ExpectOrderlyLists(const uint32_t* links, size_t nodes, size_t width) {
    for (size_t node = 0; node < nodes; ++node) {
      const uint32_t* const list = links + node * width;
      const uint32_t* const end = std::find(list, list + width, kNoLink);
      EXPECT_TRUE(std::all_of(end, list + width, [](uint32_t link) { return link == kNoLink; })) << node;
      EXPECT_EQ(std::count(list, end, node), 0) << node << " links to itself";
      EXPECT_EQ(std::set<uint32_t>(list, end).size(), static_cast<size_t>(end - list)) << node << " has a link twice";
    }
  }
};

TEST_F(HnswBuilderTest, FindsNearlyAllNeighborsHoweverManyThreadsBuiltIt) {
  SetRows(random_.Rows(4000));
  for (const int threads : {1, 3}) {
    const HnswGraph graph = Build(threads);
    EXPECT_OK(graph.Validate());
    EXPECT_GE(Recall(graph, 100), 0.97) << threads << " threads";
    EXPECT_GT(Recall(graph, 200), Recall(graph, 12)) << threads << " threads";
  }
}

TEST_F(HnswBuilderTest, IsAFunctionOfTheRowsWithOneThread) {
  SetRows(random_.Rows(1500));
  const HnswGraph first = Build(1);
  const HnswGraph second = Build(1);
  EXPECT_TRUE(std::equal(first.ground.data(), first.ground.data() + first.ground.size(), second.ground.data()));
  EXPECT_EQ(first.upper_links, second.upper_links);
}

TEST_F(HnswBuilderTest, FindsRowsThatWereAddedLaterAndThoseThatWereThere) {
  for (const int base_rows : {2, 5, 2000}) {
    const std::vector<float> rows = random_.Rows(4000);
    SetRows({rows.begin(), rows.begin() + base_rows * kDimension});
    const HnswGraph base = Build(1);
    SetRows(rows);
    HnswBuilder builder(&codes_, {.m = 8, .ef_construction = 60, .threads = 2}, base, 50);
    ASSERT_OK(builder.InsertMost(stop_.get_token()));
    EXPECT_EQ(builder.late_rows().size(), 50u);
    ASSERT_OK(builder.InsertLate(stop_.get_token()));
    const HnswGraph graph = builder.Take();
    EXPECT_OK(graph.Validate());
    EXPECT_EQ(graph.rows(), 4000);
    EXPECT_EQ(graph.level_nodes.size(), base.level_nodes.size());
    EXPECT_GE(Recall(graph, 100), 0.96) << base_rows << " before";
  }
}

TEST_F(HnswBuilderTest, LeavesLateRowsOutUntilTheEnd) {
  SetRows(random_.Rows(1000));
  HnswBuilder builder(&codes_, {.m = 8, .ef_construction = 60, .threads = 1}, 50);
  ASSERT_OK(builder.InsertMost(stop_.get_token()));
  const std::vector<uint32_t> late(builder.late_rows().begin(), builder.late_rows().end());
  EXPECT_EQ(late.size(), 50u);
  const auto is_linked = [&builder](uint32_t row) {
    const BigArray<uint32_t>& ground = builder.graph().ground;
    return std::find(ground.data(), ground.data() + ground.size(), row) != ground.data() + ground.size();
  };
  EXPECT_TRUE(std::none_of(late.begin(), late.end(), is_linked));
  ASSERT_OK(builder.InsertLate(stop_.get_token()));
  EXPECT_TRUE(std::all_of(late.begin(), late.end(), is_linked));
}

TEST_F(HnswBuilderTest, TakesOneRowTwoRowsAndRowsThatAreAllTheSame) {
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

TEST_F(HnswBuilderTest, StopsWhenTold) {
  SetRows(random_.Rows(500));
  HnswBuilder builder(&codes_, {.m = 8, .ef_construction = 60, .threads = 2}, 0);
  stop_.request_stop();
  EXPECT_THAT(builder.InsertMost(stop_.get_token()), StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(HnswBuilderTest, RaisesAboutOneRowInMToEachLevel) {
  SetRows(random_.Rows(8000));
  const HnswGraph graph = Build(1);
  ASSERT_GE(graph.level_nodes.size(), 3U);
  // The expected numbers are 1000, 125 and 16 rows. The limits lie 5 standard deviations away from them.
  EXPECT_NEAR(static_cast<double>(graph.level_nodes[0]), 1000, 150);
  EXPECT_NEAR(static_cast<double>(graph.level_nodes[1]), 125, 56);
  EXPECT_LE(graph.level_nodes[2], 36U);
  EXPECT_TRUE(std::is_sorted(graph.level_nodes.rbegin(), graph.level_nodes.rend()));
}

TEST_F(HnswBuilderTest, KeepsEveryListOfLinksOrderly) {
  SetRows(random_.Rows(2000));
  const HnswGraph graph = Build(3);
  ExpectOrderlyLists(graph.ground.data(), 2000, 16);
  const uint32_t* links = graph.upper_links.data();
  for (const size_t nodes : graph.level_nodes) {
    ExpectOrderlyLists(links, nodes, 8);
    links += nodes * 8;
  }
}

TEST_F(HnswBuilderTest, KeepsTheNumbersOfUpperNodesWhenRowsAreAdded) {
  const std::vector<float> rows = random_.Rows(3000);
  SetRows({rows.begin(), rows.begin() + 2000 * kDimension});
  const HnswGraph base = Build(1);
  SetRows(rows);
  HnswBuilder builder(&codes_, {.m = 8, .ef_construction = 60, .threads = 1}, base, 0);
  ASSERT_OK(builder.InsertMost(stop_.get_token()));
  ASSERT_OK(builder.InsertLate(stop_.get_token()));
  const HnswGraph graph = builder.Take();
  EXPECT_TRUE(std::equal(base.upper_rows.begin(), base.upper_rows.end(), graph.upper_rows.begin()));
  EXPECT_GT(graph.level_nodes[0], base.level_nodes[0]);
  EXPECT_TRUE(std::equal(base.level_nodes.begin() + 1, base.level_nodes.end(), graph.level_nodes.begin() + 1))
      << "added rows rise to level 1 at most";
}

}  // namespace
}  // namespace semblance::index
