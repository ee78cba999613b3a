// Walks through the levels of an HNSW graph: algorithms 2 and 5 of arXiv 1603.09320, over 8-bit codes.
//
// Not thread-safe: a walk belongs to one thread at a time. Many walks may use one graph at the same time, also while it is being
// built. Walks should be kept and used again, because their memory grows with the graph.
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

// A node and its score in one number, which compares by score: the upper half is an integer inner product, the lower half the node.
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
  // Number of nodes to keep, at least 1.
  int ef = 0;
  // If not null, nodes that do not pass are walked through, but not kept.
  const RowFilter* filter = nullptr;
  // The walk ends early, with the nodes found so far, when it has scored this many nodes.
  int64_t max_scored = std::numeric_limits<int64_t>::max();
};

class HnswWalk {
 public:
  // Makes a walk for graphs of up to `rows` rows.
  HnswWalk(int64_t rows, const RowCodes& codes)
      : stride_(codes.stride()), seen_(static_cast<size_t>(rows) / 64 + 1, 0), touched_(seen_.size() + 1) {}

  // Walks from `start` to better and better neighbors, and returns the node that no neighbor exceeds.
  uint32_t Climb(const HnswLevel& level, const Int8Query& query, uint32_t start);

  // Returns the best effort.ef nodes around `start` that pass the filter, in no order. Valid until the next call.
  absl::Span<ScoredNode> Explore(const HnswLevel& level, const Int8Query& query, uint32_t start, const HnswEffort& effort);

  // Returns true if the last Explore ended early.
  bool ended_early() const { return ended_early_; }

  // Returns the scores of nodes, in their order. Valid until the next call.
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

  // Returns the links of `node` that were not visited yet. Valid until the next call.
  absl::Span<const uint32_t> CollectFresh(const HnswLevel& level, uint32_t node);
  // Adds a node to the frontier, and to the found nodes if it passes. REQUIRES: it is better than the worst found node, or fewer
  // than `room` were found.
  void Reach(ScoredNode node, size_t room, const RowFilter* filter);

  const int64_t stride_;
  // One bit per node. Clearing the touched words is cheaper than a table of epochs, which would be 16 times as large.
  std::vector<uint64_t> seen_;
  // The first touched_count_ elements are the words of seen_ that are not 0. There is one more element than words, because a word
  // is stored before it is known to be new.
  std::vector<uint32_t> touched_;
  size_t touched_count_ = 0;
  std::vector<uint32_t> fresh_;
  std::vector<int32_t> scores_;
  std::vector<ScoredNode> frontier_;  // A heap with the best node in front.
  std::vector<ScoredNode> found_;     // A heap with the worst node in front.
  bool ended_early_ = false;
};

// Read and write a link of a graph that other threads may change.
inline uint32_t LoadLink(const uint32_t* link) {
  return __atomic_load_n(link, __ATOMIC_RELAXED);
}
inline void StoreLink(uint32_t node, uint32_t* link) {
  __atomic_store_n(link, node, __ATOMIC_RELAXED);
}

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_FINDERS_HNSW_WALK_H_
