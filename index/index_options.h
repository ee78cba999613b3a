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
  // The kind of sealed segments. The default, auto, chooses one for each segment.
  IndexSpec spec;
  // Rows of the growing segment at which it is sealed, 1 to 16,777,216; default 8,192.
  int seal_rows = 8192;
  // Candidates among which a new node of a graph chooses its links, 4 to 4,096; default 200.
  int hnsw_ef_construction = 200;
  // The share of the true 10 nearest rows that searches find on average. When a segment is sealed, the effort that reaches it is
  // measured. 0.5 to 1; default 0.99.
  double target_recall = 0.99;
  // Bytes of memory that "auto" plans with; 0 means half of the memory of the machine.
  int64_t memory_budget_bytes = 0;
  // Threads that build a sealed segment. They run beside searches, at a lower priority. 0 means half of the cores.
  int build_threads = 0;

  absl::Status Validate() const;
  int EffectiveBuildThreads() const;
  int64_t EffectiveMemoryBudgetBytes() const;
};

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_INDEX_OPTIONS_H_
