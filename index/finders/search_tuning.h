// How much effort a search needs for a recall, measured on the rows of one segment.
//
// Thread-safe: a function without state.
#ifndef SEMBLANCE_INDEX_FINDERS_SEARCH_TUNING_H_
#define SEMBLANCE_INDEX_FINDERS_SEARCH_TUNING_H_

#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"

namespace semblance::index {

// How many neighbours the recall is about.
inline constexpr int kTuningTopK = 10;
// How many rows serve as queries: the recall is then known to about 0.5 % around 0.99.
inline constexpr int64_t kTuningQueries = 64;

struct TunedEffort {
  int effort = 0;
  // Recall@10 at that effort; below the target when none reached it.
  double recall = 0;
};

struct TuningTask {
  // Row-major.
  absl::Span<const float> vectors;
  int dimension = 0;
  // Rows that serve as queries; they do not count as rows.
  absl::Span<const uint32_t> queries;
  // What to try, ascending.
  absl::Span<const int> efforts;
  double target_recall = 0;
};

// The smallest effort at which `search` finds target_recall of the true 10 nearest rows (by inner product), averaged over the
// queries; else the last one.
TunedEffort TuneEffort(const TuningTask& task, absl::FunctionRef<std::vector<uint32_t>(const float* query, int effort)> search);

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_FINDERS_SEARCH_TUNING_H_
