// Builds an HNSW graph over coded rows: algorithms 1, 3 and 4 of arXiv 1603.09320, on several threads.
//
// Thread-compatible. The codes must outlive the builder.
//
// All rows are known beforehand, so their levels are drawn first (seeded: a function of m and the number of rows) and the rows are
// inserted by descending level: the upper levels are complete before the mass of the rows is inserted, which then only reads them.
// With one thread the graph is a function of the rows and the options.
//
// Rows can also be added to a graph that exists. They rise to level 1 at most, so that the numbers of its upper nodes stay: the
// graph should not grow to many times its size in this way.
#ifndef SEMBLANCE_INDEX_FINDERS_HNSW_BUILDER_H_
#define SEMBLANCE_INDEX_FINDERS_HNSW_BUILDER_H_

#include <atomic>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "index/finders/hnsw_graph.h"
#include "index/rows/row_codes.h"

namespace semblance::index {

struct HnswBuildOptions {
  // Links of a node above the ground, >= 2; twice as many on it.
  int m = 16;
  // Candidates of a new node's links, >= m.
  int ef_construction = 200;
  // >= 1.
  int threads = 1;
};

class HnswBuilder {
 public:
  // `late_rows` random rows of the ground are left for the end. REQUIRES: at least one row; fewer late ones than half of the rows.
  HnswBuilder(const RowCodes* codes, const HnswBuildOptions& options, int64_t late_rows);

  // Adds to `base`, whose rows are the first of the codes, the others. Late rows as above, of those that are added. REQUIRES: the
  // base has options.m links a node.
  HnswBuilder(const RowCodes* codes, const HnswBuildOptions& options, const HnswGraph& base, int64_t late_rows);

  // Inserts all rows but the late ones. Errors: Cancelled, soon after `stop` became true.
  absl::Status InsertMost(const std::atomic<bool>& stop);

  // The rows that InsertMost leaves out: as queries they are unknown to the graph.
  absl::Span<const uint32_t> late_rows() const;

  // Inserts the late rows. REQUIRES: after InsertMost.
  absl::Status InsertLate(const std::atomic<bool>& stop);

  // For searches between the two.
  const HnswGraph& graph() const { return graph_; }
  const HnswLevels& levels() const { return levels_; }

  // REQUIRES: everything is inserted. The builder is of no use afterwards.
  HnswGraph Take() { return std::move(graph_); }

 private:
  class Inserter;

  // Draws the levels of the rows from `first_row` on; no row rises above max_level. Appends to order_ those that rise, by
  // descending level, then the others, late ones last.
  void OrderRows(size_t first_row, int max_level, int64_t late_rows);
  // Once the graph's nodes are known.
  void PrepareInsertion();
  absl::Status InsertRange(size_t begin, size_t end, const std::atomic<bool>& stop);

  const RowCodes& codes_;
  const HnswBuildOptions options_;
  size_t late_count_ = 0;
  // The upper nodes' rows, then, in the order of their insertion, the rows of the ground alone.
  std::vector<uint32_t> order_;
  // Where in it insertion begins: what stands before is in the graph.
  size_t first_position_ = 0;
  HnswGraph graph_;
  HnswLevels levels_;
  // By level, a lock per node, held while its links change.
  std::vector<std::vector<std::atomic<bool>>> locks_;
};

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_FINDERS_HNSW_BUILDER_H_
