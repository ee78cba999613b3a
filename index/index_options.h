// How a segmented index is built and how well it searches.
//
// Thread-compatible: a plain struct. Errors of Validate: InvalidArgument with the value and the range.
#ifndef SEMBLANCE_INDEX_INDEX_OPTIONS_H_
#define SEMBLANCE_INDEX_INDEX_OPTIONS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "index/index_spec.h"

namespace semblance::index {

struct SegmentedIndexOptions {
  // Components of a vector, 1 to 4,096. Required.
  int dimension = 0;
  // What sealed segments are; default: chosen for each of them.
  IndexSpec spec;
  // Rows of the growing segment at which it is sealed, 1 to 16,777,216; default 8,192.
  int seal_rows = 8192;
  // Candidates of a new node's links while a graph is built, 4 to 4,096; default 200.
  int hnsw_ef_construction = 200;
  // The share of the true 10 nearest that searches are to find: the effort of a search is measured for it when a segment is sealed.
  // 0.5 to 1; default 0.99.
  double target_recall = 0.99;
  // Memory that "auto" plans with; 0: half of the machine's.
  int64_t memory_budget_bytes = 0;
  // Threads that build a sealed segment, beside and at a lower priority than searches; 0: half of the cores.
  int build_threads = 0;

  absl::Status Validate() const;
  int EffectiveBuildThreads() const;
  int64_t EffectiveMemoryBudgetBytes() const;
};

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_INDEX_OPTIONS_H_
