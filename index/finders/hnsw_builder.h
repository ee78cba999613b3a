// Builds an HNSW graph over coded rows with several threads: algorithms 1, 3 and 4 of arXiv 1603.09320.
//
// Thread-compatible. The codes must outlive the builder.
//
// All rows are known at the start, so their levels are drawn first and rows are inserted by descending level. The upper levels are
// then complete before most rows are inserted, and only read afterwards. The levels depend only on m and the number of rows. With
// one thread, the whole graph depends only on the rows and the options.
//
// Rows can also be added to an existing graph. Added rows rise to level 1 at most, so that its upper nodes keep their numbers. A
// graph should therefore not grow to many times its size in this way.
#ifndef SEMBLANCE_INDEX_FINDERS_HNSW_BUILDER_H_
#define SEMBLANCE_INDEX_FINDERS_HNSW_BUILDER_H_

#include <atomic>
#include <cstdint>
#include <stop_token>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "index/finders/hnsw_graph.h"
#include "index/rows/row_codes.h"

namespace semblance::index {

struct HnswBuildOptions {
  // Links of a node above the ground level, at least 2. Nodes on the ground level have twice as many.
  int m = 16;
  // Candidates among which a new node chooses its links, at least m.
  int ef_construction = 200;
  // At least 1.
  int threads = 1;
};

class HnswBuilder {
 public:
  // Leaves `late_rows` random rows of the ground level for InsertLate. REQUIRES: at least one row; fewer late rows than half of
  // all.
  HnswBuilder(const RowCodes* codes, const HnswBuildOptions& options, int64_t late_rows);

  // Adds rows to `base`: its rows are the first ones of the codes, the others are added. `late_rows` of the added rows are left for
  // InsertLate. REQUIRES: the base was built with options.m.
  HnswBuilder(const RowCodes* codes, const HnswBuildOptions& options, const HnswGraph& base, int64_t late_rows);

  // Inserts all rows except the late ones. Errors: Cancelled, soon after a stop was requested.
  absl::Status InsertMost(const std::stop_token& stop);

  // Returns the rows that InsertMost leaves out. They can serve as queries that the graph does not know yet.
  absl::Span<const uint32_t> late_rows() const;

  // Inserts the late rows. REQUIRES: after InsertMost.
  absl::Status InsertLate(const std::stop_token& stop);

  // The graph and its levels may be searched between InsertMost and InsertLate.
  const HnswGraph& graph() const { return graph_; }
  const HnswLevels& levels() const { return levels_; }

  // Returns the graph. REQUIRES: all rows are inserted. The builder must not be used afterwards.
  HnswGraph Take() { return std::move(graph_); }

 private:
  class Inserter;

  // Draws the levels of rows `first_row` and later, none above max_level. Appends these rows to order_: first those above the
  // ground by descending level, then the others, of which the late ones come last.
  void OrderRows(size_t first_row, int max_level, int64_t late_rows);
  // Allocates what insertion needs. REQUIRES: the number of nodes on each level is known.
  void PrepareInsertion();
  absl::Status InsertRange(size_t begin, size_t end, const std::stop_token& stop);

  const RowCodes& codes_;
  const HnswBuildOptions options_;
  size_t late_count_ = 0;
  // The rows of the upper nodes, then the rows that are on the ground level only, in the order of their insertion.
  std::vector<uint32_t> order_;
  // The position in order_ where insertion begins. Rows before it are in the graph.
  size_t first_position_ = 0;
  HnswGraph graph_;
  HnswLevels levels_;
  // locks_[level][node] is held while the links of the node change.
  std::vector<std::vector<std::atomic<bool>>> locks_;
};

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_FINDERS_HNSW_BUILDER_H_
