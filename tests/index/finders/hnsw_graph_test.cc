#include "index/finders/hnsw_graph.h"

#include <cstdint>
#include <cstring>
#include <functional>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/index/finders/hnsw_fixture.h"
#include "tests/testing/status_matchers.h"

namespace semblance::index {
namespace {

using ::semblance::testing::StatusIs;

// Six rows form a ring. Rows 4 and 2 are on level 1, and row 4 is also on level 2.
HnswGraph SmallGraph() {
  HnswGraph graph;
  graph.m = 2;
  graph.entry_row = 4;
  graph.ground = BigArray<uint32_t>(6 * 4);
  for (uint32_t row = 0; row < 6; ++row) {
    uint32_t* const links = graph.ground.data() + size_t{row} * 4;
    links[0] = (row + 1) % 6;
    links[1] = (row + 5) % 6;
    links[2] = links[3] = kNoLink;
  }
  graph.upper_rows = {4, 2};
  graph.level_nodes = {2, 1};
  graph.upper_links = {1, kNoLink, 0, kNoLink, kNoLink, kNoLink};
  return graph;
}

TEST(HnswGraph, CountsItsRowsAndBytes) {
  const HnswGraph graph = SmallGraph();
  EXPECT_EQ(graph.rows(), 6);
  EXPECT_EQ(graph.bytes(), (24 + 2 + 6) * sizeof(uint32_t));
}

TEST(HnswGraph, ValidateAcceptsAWholeGraphAndOneWithoutUpperLevels) {
  EXPECT_OK(SmallGraph().Validate());
  HnswGraph flat = SmallGraph();
  flat.upper_rows.clear();
  flat.level_nodes.clear();
  flat.upper_links.clear();
  EXPECT_OK(flat.Validate());
}

TEST(HnswGraph, ValidateFindsEveryNumberThatPointsOutsideItsLevel) {
  const auto damaged = [](const std::function<void(HnswGraph*)>& damage) {
    HnswGraph graph = SmallGraph();
    damage(&graph);
    return graph.Validate();
  };
  const auto is_data_loss = StatusIs(absl::StatusCode::kDataLoss);
  for (size_t link = 0; link < 24; ++link) {
    EXPECT_THAT(damaged([&](HnswGraph* graph) { graph->ground[link] = 6; }), is_data_loss) << link;
  }
  for (size_t link = 0; link < 6; ++link) {
    EXPECT_THAT(damaged([&](HnswGraph* graph) { graph->upper_links[link] = 2; }), is_data_loss) << link;
  }
  EXPECT_THAT(damaged([](HnswGraph* graph) { graph->upper_links[4] = 1; }), is_data_loss) << "level 2 has one node only";
  EXPECT_THAT(damaged([](HnswGraph* graph) { graph->entry_row = 6; }), is_data_loss);
  EXPECT_THAT(damaged([](HnswGraph* graph) { graph->upper_rows[1] = 6; }), is_data_loss);
  EXPECT_THAT(damaged([](HnswGraph* graph) { graph->upper_rows[1] = kNoLink; }), is_data_loss);
}

TEST(HnswGraph, ValidateFindsLevelsThatDoNotFitTogether) {
  const auto with_levels = [](const std::vector<size_t>& level_nodes) {
    HnswGraph graph = SmallGraph();
    graph.level_nodes = level_nodes;
    return graph.Validate();
  };
  const auto is_data_loss = StatusIs(absl::StatusCode::kDataLoss);
  EXPECT_THAT(with_levels({}), is_data_loss);
  EXPECT_THAT(with_levels({2}), is_data_loss);
  EXPECT_THAT(with_levels({1, 2}), is_data_loss);
  EXPECT_THAT(with_levels({2, 1, 0}), is_data_loss);
  EXPECT_THAT(with_levels({2, 1, 1}), is_data_loss);
  EXPECT_THAT(with_levels({3, 1}), is_data_loss);
}

class HnswLevelsTest : public HnswFixture {};

TEST_F(HnswLevelsTest, ShowTheLinksAndCodesOfEveryLevel) {
  SetRows(random_.Rows(6));
  const HnswGraph graph = SmallGraph();
  const HnswLevels levels(graph, codes_);
  ASSERT_EQ(levels.top(), 2);
  EXPECT_EQ(levels.level(0).width, 4);
  EXPECT_EQ(levels.level(0).links_of(3)[1], 2U);
  EXPECT_EQ(levels.level(0).codes, codes_.row(0));
  for (const int level : {1, 2}) {
    EXPECT_EQ(levels.level(level).width, 2);
    for (size_t node = 0; node < graph.level_nodes[level - 1]; ++node) {
      EXPECT_EQ(
          std::memcmp(levels.level(level).codes + node * codes_.stride(), codes_.row(graph.upper_rows[node]), codes_.stride()), 0)
          << "node " << node << " of level " << level;
    }
  }
  EXPECT_EQ(levels.level(1).links_of(1)[0], 0U);
  EXPECT_EQ(levels.level(2).links_of(0)[0], kNoLink);
  EXPECT_EQ(levels.bytes(), 2U * codes_.stride());
}

}  // namespace
}  // namespace semblance::index
