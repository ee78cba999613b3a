// Measures how much effort a search needs for a target recall, on the rows of one segment.
//
// Thread-safe: a function without state.
#ifndef SEMBLANCE_INDEX_FINDERS_SEARCH_TUNING_H_
#define SEMBLANCE_INDEX_FINDERS_SEARCH_TUNING_H_

#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"

namespace semblance::index {

// The recall counts this many neighbors of a query.
inline constexpr int kTuningTopK = 10;
// At most this many rows serve as queries. A recall around 0.99 is then known to about 0.005.
inline constexpr int64_t kTuningQueries = 64;

struct TunedEffort {
  int effort = 0;
  // The recall at that effort. It is below the target when no effort reached it.
  double recall = 0;
};

struct TuningTask {
  // All rows, row-major.
  absl::Span<const float> vectors;
  int dimension = 0;
  // Rows that serve as queries. They do not count as neighbors.
  absl::Span<const uint32_t> queries;
  // The efforts to try, ascending.
  absl::Span<const int> efforts;
  double target_recall = 0;
};

// Returns the smallest effort at which `search` finds target_recall of the true 10 nearest rows (by inner product), averaged over
// the queries. Returns the last effort when none reaches the target.
TunedEffort TuneEffort(const TuningTask& task, absl::FunctionRef<std::vector<uint32_t>(const float* query, int effort)> search);

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_FINDERS_SEARCH_TUNING_H_
