// A hierarchical navigable small-world graph over coded rows: Malkov and Yashunin, "Efficient and robust approximate nearest
// neighbor search using hierarchical navigable small world graphs" (arXiv 1603.09320).
//
// Thread-compatible: const methods may run concurrently.
//
// Every row is on the ground level, level 0. One row in m is on level 1 too, one in m of those on level 2, and so on. The nodes of
// the upper levels are numbered by descending level. So the nodes of level l are the first nodes of level 1, with the same numbers.
#ifndef SEMBLANCE_INDEX_FINDERS_HNSW_GRAPH_H_
#define SEMBLANCE_INDEX_FINDERS_HNSW_GRAPH_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "index/rows/big_array.h"
#include "index/rows/row_codes.h"

namespace semblance::index {

// Marks the end of a list of links that is not full.
inline constexpr uint32_t kNoLink = 0xFFFFFFFF;

struct HnswGraph {
  // Links of a node: m above the ground level, 2 m on it.
  int m = 0;
  // A search begins at this row when there is no upper level.
  uint32_t entry_row = 0;
  // The links of the ground level, which are rows; shape [rows, 2 m].
  BigArray<uint32_t> ground;
  // The row of each upper node.
  std::vector<uint32_t> upper_rows;
  // Number of nodes of each level, from level 1 up.
  std::vector<size_t> level_nodes;
  // The links of the upper levels, which are node numbers. Level by level, each of shape [nodes of the level, m].
  std::vector<uint32_t> upper_links;

  int64_t rows() const { return static_cast<int64_t>(ground.size()) / (int64_t{2} * m); }
  size_t bytes() const { return ground.bytes() + (upper_rows.size() + upper_links.size()) * sizeof(uint32_t); }

  // Checks all numbers. Errors: DataLoss, when one of them points outside its level.
  absl::Status Validate() const;
};

// One level, as a walk sees it. Links change while a graph is being built, so they are read and written as relaxed atomics.
struct HnswLevel {
  uint32_t* links = nullptr;
  int width = 0;
  // One code per node.
  const uint8_t* codes = nullptr;

  uint32_t* links_of(uint32_t node) const { return links + static_cast<size_t>(node) * width; }
};

// All levels of a graph, ready for walks. The graph and the codes of its rows must outlive it, and must not move.
class HnswLevels {
 public:
  HnswLevels() = default;
  HnswLevels(const HnswGraph& graph, const RowCodes& codes);

  // Returns the number of the highest level; 0 is the ground level.
  int top() const { return static_cast<int>(levels_.size()) - 1; }
  const HnswLevel& level(int level) const { return levels_[level]; }
  // Returns the bytes of the codes of the upper nodes, which are copies.
  size_t bytes() const { return upper_codes_.bytes(); }

 private:
  RowCodes upper_codes_;
  std::vector<HnswLevel> levels_;
};

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_FINDERS_HNSW_GRAPH_H_
