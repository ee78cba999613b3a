// Exact search for evaluations: finds the nearest neighbors of every query by brute force. Works in blocks and needs O(queries x k)
// memory.
//
// Thread-safe: a function without state. Runs on as many threads as OpenMP gives the calling thread.
#ifndef SEMBLANCE_INDEX_EXACT_SEARCH_H_
#define SEMBLANCE_INDEX_EXACT_SEARCH_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace semblance::index {

// Both vectors are row-major with the shape [queries, k]. Indices point into the base, by descending inner product; equal scores
// are ordered by ascending index. Where the base holds fewer than k rows, the index is -1 and the score -infinity. The arithmetic
// in blocks may round the scores of equal vectors differently.
struct ExactNeighbors {
  int k = 0;
  std::vector<int64_t> indices;
  std::vector<float> scores;
};

// `queries` and `base` are row-major with `dimension` columns. Errors: InvalidArgument (sizes that are not a multiple of the
// dimension, k < 1).
absl::StatusOr<ExactNeighbors> ExactSearch(absl::Span<const float> queries, absl::Span<const float> base, int dimension, int k);

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_EXACT_SEARCH_H_
