#include "index/finders/hnsw_walk.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/index/finders/hnsw_fixture.h"
#include "tests/index/rows/row_segment.h"

namespace semblance::index {
namespace {

constexpr int kRows = 300;
constexpr int kLinks = 6;

// A scored node that compares as ScoredNode does.
using Pair = std::pair<int32_t, uint32_t>;

// A level with random links, some lists of which are not full.
class HnswWalkTest : public HnswFixture {
 protected:
  void SetUp() override {
    vectors_ = random_.Rows(kRows);
    SetRows(vectors_);
    links_.assign(kRows * kLinks, kNoLink);
    for (int row = 0; row < kRows; ++row) {
      const int count = random_.Below(kLinks + 1);
      for (int i = 0; i < count; ++i) {
        links_[row * kLinks + i] = static_cast<uint32_t>(random_.Below(kRows));
      }
    }
    level_ = {links_.data(), kLinks, codes_.row(0)};
  }

  std::vector<uint32_t> LinksOf(uint32_t node) const {
    const auto begin = links_.begin() + node * kLinks;
    return {begin, std::find(begin, begin + kLinks, kNoLink)};
  }

  int32_t Score(const Int8Query& query, uint32_t node) const { return DotInt8(query, codes_.row(node)); }

  // Algorithm 2 of arXiv 1603.09320, with ordered sets.
  std::set<Pair> SlowExplore(const Int8Query& query, uint32_t start, size_t ef, const RowFilter* filter) const {
    std::set<uint32_t> seen = {start};
    std::set<Pair> frontier;
    std::set<Pair> found;
    const auto reach = [&](uint32_t node) {
      frontier.emplace(Score(query, node), node);
      if (filter == nullptr || filter->Passes(node)) {
        found.emplace(Score(query, node), node);
        if (found.size() > ef) {
          found.erase(found.begin());
        }
      }
    };
    reach(start);
    while (!frontier.empty() && !(found.size() == ef && frontier.rbegin()->first < found.begin()->first)) {
      const uint32_t next = frontier.rbegin()->second;
      frontier.erase(std::prev(frontier.end()));
      for (const uint32_t link : LinksOf(next)) {
        if (seen.insert(link).second && (found.size() < ef || Score(query, link) > found.begin()->first)) {
          reach(link);
        }
      }
    }
    return found;
  }

  static std::set<Pair> PairsOf(absl::Span<const ScoredNode> nodes) {
    std::set<Pair> pairs;
    for (const ScoredNode node : nodes) {
      pairs.emplace(node.score(), node.node());
    }
    return pairs;
  }

  std::vector<float> vectors_;
  std::vector<uint32_t> links_;
  HnswLevel level_;
};

TEST_F(HnswWalkTest, ExploresAsTheSlowAlgorithmDoesAndMayBeUsedAgain) {
  HnswWalk walk(kRows, codes_);
  for (int i = 0; i < 200; ++i) {
    const std::vector<int8_t> coded = codes_.EncodeQuery(random_.Next().data());
    const Int8Query query(coded);
    const auto start = static_cast<uint32_t>(random_.Below(kRows));
    const int ef = 1 + random_.Below(40);
    EXPECT_EQ(PairsOf(walk.Explore(level_, query, start, {.ef = ef})), SlowExplore(query, start, ef, nullptr)) << i;
    EXPECT_FALSE(walk.ended_early());
  }
}

TEST_F(HnswWalkTest, WalksThroughNodesThatDoNotPassAndKeepsOthers) {
  std::vector<uint64_t> keys;
  std::vector<uint64_t> allowed;
  for (uint64_t row = 0; row < kRows; ++row) {
    keys.push_back(row + 1);
    if (random_.Below(4) == 0) {
      allowed.push_back(row + 1);
    }
  }
  const RowSegment segment(kDimension, keys, vectors_.data());
  const KeySet only(allowed);
  const SegmentQuery segment_query = {.sequence = kRows, .only = &only};
  const RowFilter filter(&segment, &segment_query);
  HnswWalk walk(kRows, codes_);
  for (int i = 0; i < 200; ++i) {
    const std::vector<int8_t> coded = codes_.EncodeQuery(random_.Next().data());
    const Int8Query query(coded);
    const auto start = static_cast<uint32_t>(random_.Below(kRows));
    const std::set<Pair> found = PairsOf(walk.Explore(level_, query, start, {.ef = 10, .filter = &filter}));
    EXPECT_EQ(found, SlowExplore(query, start, 10, &filter)) << i;
    EXPECT_TRUE(std::all_of(found.begin(), found.end(), [&](const Pair& one) { return only.Contains(one.second + 1); }));
  }
}

TEST_F(HnswWalkTest, EndsEarlyWhenItHasScoredEnough) {
  const std::vector<int8_t> coded = codes_.EncodeQuery(random_.Next().data());
  const Int8Query query(coded);
  links_[0] = 1;
  HnswWalk walk(kRows, codes_);
  const size_t some = walk.Explore(level_, query, 0, {.ef = kRows, .max_scored = 20}).size();
  EXPECT_TRUE(walk.ended_early());
  EXPECT_LE(some, 20U + kLinks);
  const size_t all = walk.Explore(level_, query, 0, {.ef = kRows}).size();
  EXPECT_FALSE(walk.ended_early());
  EXPECT_GT(all, some);
}

TEST_F(HnswWalkTest, ClimbsToANodeThatNoNeighborExceeds) {
  HnswWalk walk(kRows, codes_);
  for (int i = 0; i < 200; ++i) {
    const std::vector<int8_t> coded = codes_.EncodeQuery(random_.Next().data());
    const Int8Query query(coded);
    const auto start = static_cast<uint32_t>(random_.Below(kRows));
    const uint32_t top = walk.Climb(level_, query, start);
    EXPECT_GE(Score(query, top), Score(query, start));
    for (const uint32_t neighbor : LinksOf(top)) {
      EXPECT_LE(Score(query, neighbor), Score(query, top));
    }
  }
}

TEST_F(HnswWalkTest, ScoresManyNodesAsOneByOne) {
  const std::vector<int8_t> coded = codes_.EncodeQuery(random_.Next().data());
  const Int8Query query(coded);
  HnswWalk walk(kRows, codes_);
  const std::vector<uint32_t> nodes = {7, 0, 299, 7};
  const absl::Span<const int32_t> scores = walk.Score(level_, query, nodes);
  ASSERT_EQ(scores.size(), nodes.size());
  for (size_t i = 0; i < nodes.size(); ++i) {
    EXPECT_EQ(scores[i], walk.Score(level_, query, nodes[i]));
  }
}

TEST(ScoredNode, ComparesByScoreAlsoBelowZeroThenByNode) {
  EXPECT_LT(ScoredNode(-5, 9), ScoredNode(-4, 1));
  EXPECT_LT(ScoredNode(-1, 0xFFFFFFFF), ScoredNode(0, 0));
  EXPECT_LT(ScoredNode(3, 1), ScoredNode(3, 0x80000000));
  EXPECT_EQ(ScoredNode(-7, 0xFFFFFFFE).score(), -7);
  EXPECT_EQ(ScoredNode(-7, 0xFFFFFFFE).node(), 0xFFFFFFFE);
}

}  // namespace
}  // namespace semblance::index
