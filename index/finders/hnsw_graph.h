// A hierarchical navigable small-world graph over coded rows: Malkov and Yashunin, "Efficient and robust approximate nearest
// neighbor search using hierarchical navigable small world graphs" (arXiv 1603.09320).
//
// Thread-compatible: const methods may run concurrently.
//
// Every row is on the ground; one in m rises to level 1, one in m of those to level 2, and so on. The nodes of all upper levels are
// numbered by descending level, so that those of level l are the first so many of level 1's, under the same numbers.
#ifndef SEMBLANCE_INDEX_FINDERS_HNSW_GRAPH_H_
#define SEMBLANCE_INDEX_FINDERS_HNSW_GRAPH_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "index/rows/big_array.h"
#include "index/rows/row_codes.h"

namespace semblance::index {

// The end of a list of links that is not full.
inline constexpr uint32_t kNoLink = 0xFFFFFFFF;

struct HnswGraph {
  // Links of a node: m above the ground, 2 m on it.
  int m = 0;
  // Where a search begins when there is no upper level.
  uint32_t entry_row = 0;
  // [rows, 2 m]: rows.
  BigArray<uint32_t> ground;
  // The row of each upper node.
  std::vector<uint32_t> upper_rows;
  // How many nodes the levels have, from level 1 up.
  std::vector<size_t> level_nodes;
  // Level by level, [nodes of the level, m]: node numbers.
  std::vector<uint32_t> upper_links;

  int64_t rows() const { return static_cast<int64_t>(ground.size()) / (int64_t{2} * m); }
  size_t bytes() const { return ground.bytes() + (upper_rows.size() + upper_links.size()) * sizeof(uint32_t); }

  // Errors: DataLoss, when some number points outside of its level.
  absl::Status Validate() const;
};

// One level, as a walk sees it. The links of a graph that is being built change meanwhile: they are read and written as relaxed
// atomics.
struct HnswLevel {
  uint32_t* links = nullptr;
  int width = 0;
  // A code per node.
  const uint8_t* codes = nullptr;

  uint32_t* links_of(uint32_t node) const { return links + static_cast<size_t>(node) * width; }
};

// What is needed to walk a graph. The graph and the ground's codes must outlive it, and not move.
class HnswLevels {
 public:
  HnswLevels() = default;
  HnswLevels(const HnswGraph& graph, const RowCodes& codes);

  // 0 is the ground.
  int top() const { return static_cast<int>(levels_.size()) - 1; }
  const HnswLevel& level(int level) const { return levels_[level]; }
  // The bytes of the codes of the upper nodes, which are copies.
  size_t bytes() const { return upper_codes_.bytes(); }

 private:
  RowCodes upper_codes_;
  std::vector<HnswLevel> levels_;
};

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_FINDERS_HNSW_GRAPH_H_
