// Walks through the levels of an HNSW graph: algorithms 2 and 5 of arXiv 1603.09320, over 8-bit codes.
//
// Not thread-safe: a walk belongs to one thread at a time; many may walk one graph, also while it is being built. To be kept and
// used again: its memory grows with the graph.
#ifndef SEMBLANCE_INDEX_FINDERS_HNSW_WALK_H_
#define SEMBLANCE_INDEX_FINDERS_HNSW_WALK_H_

#include <cstdint>
#include <limits>
#include <vector>

#include "absl/types/span.h"
#include "index/finders/hnsw_graph.h"
#include "index/kernels/kernels.h"
#include "index/rows/row_codes.h"
#include "index/rows/segment.h"

namespace semblance::index {

// A node and its score, in one number that compares by score: an integer inner product above, the node below.
class ScoredNode {
 public:
  ScoredNode() = default;
  ScoredNode(int32_t score, uint32_t node)
      : value_(static_cast<int64_t>(static_cast<uint64_t>(static_cast<uint32_t>(score)) << 32 | node)) {}

  int32_t score() const { return static_cast<int32_t>(value_ >> 32); }
  uint32_t node() const { return static_cast<uint32_t>(value_); }
  friend bool operator<(ScoredNode a, ScoredNode b) { return a.value_ < b.value_; }
  friend bool operator>(ScoredNode a, ScoredNode b) { return a.value_ > b.value_; }

 private:
  int64_t value_ = 0;
};

struct HnswEffort {
  // How many nodes to keep, at least 1.
  int ef = 0;
  // Nodes that do not pass are walked through, but not kept; null: all pass.
  const RowFilter* filter = nullptr;
  // The walk ends early, with what it has, when it has scored so many nodes.
  int64_t max_scored = std::numeric_limits<int64_t>::max();
};

class HnswWalk {
 public:
  // For graphs of up to `rows` rows.
  HnswWalk(int64_t rows, const RowCodes& codes)
      : stride_(codes.stride()), seen_(static_cast<size_t>(rows) / 64 + 1, 0), touched_(seen_.size() + 1) {}

  // The node of the level that no neighbour excels, from `start` uphill.
  uint32_t Climb(const HnswLevel& level, const Int8Query& query, uint32_t start);

  // The best effort.ef nodes around `start` that pass the filter, in no order. Valid until the next call.
  absl::Span<ScoredNode> Explore(const HnswLevel& level, const Int8Query& query, uint32_t start, const HnswEffort& effort);

  // Whether the last Explore ended early.
  bool ended_early() const { return ended_early_; }

  // The scores of nodes, in their order. Valid until the next call.
  absl::Span<const int32_t> Score(const HnswLevel& level, const Int8Query& query, absl::Span<const uint32_t> nodes) {
    scores_.resize(nodes.size());
    DotsInt8Gather(query, {level.codes, stride_}, nodes, scores_.data());
    return scores_;
  }
  int32_t Score(const HnswLevel& level, const Int8Query& query, uint32_t node) const {
    return DotInt8(query, level.codes + node * stride_);
  }

 private:
  void Forget();

  // The links of `node` that were not visited. Valid until the next call.
  absl::Span<const uint32_t> CollectFresh(const HnswLevel& level, uint32_t node);
  // REQUIRES: the node is better than the worst that was found, or there is room.
  void Reach(ScoredNode node, size_t room, const RowFilter* filter);

  const int64_t stride_;
  // A bit per node; clearing what was touched is cheaper than a table of epochs, which would be 16 times as large.
  std::vector<uint64_t> seen_;
  // The first touched_count_ are the words that are not 0. One more than there can be, which the last store may fall on.
  std::vector<uint32_t> touched_;
  size_t touched_count_ = 0;
  std::vector<uint32_t> fresh_;
  std::vector<int32_t> scores_;
  std::vector<ScoredNode> frontier_;  // A heap with the best in front.
  std::vector<ScoredNode> found_;     // A heap with the worst in front.
  bool ended_early_ = false;
};

// A link of a graph that may be changing.
inline uint32_t LoadLink(const uint32_t* link) {
  return __atomic_load_n(link, __ATOMIC_RELAXED);
}
inline void StoreLink(uint32_t node, uint32_t* link) {
  __atomic_store_n(link, node, __ATOMIC_RELAXED);
}

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_FINDERS_HNSW_WALK_H_
