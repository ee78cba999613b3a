// How well neighbours in the embedding space share a class.
//
// Thread-safe: a function without state.
#ifndef SEMBLANCE_TRAINER_RETRIEVAL_METRICS_H_
#define SEMBLANCE_TRAINER_RETRIEVAL_METRICS_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace semblance {

// Recall@K for each K of `ks`: the share of the examples of which at least one of the K nearest others (by inner product, exact)
// has the same label. Every example queries all others; it is left out by its index, never by its rank, so that equal vectors are
// treated alike. An example whose class has no other member never hits. `embeddings` is row-major with `dimension` columns.
// Errors: InvalidArgument (sizes that do not fit, fewer than 2 examples, k < 1).
absl::StatusOr<std::vector<double>> RecallAtK(absl::Span<const float> embeddings, int dimension, absl::Span<const int64_t> labels,
                                              absl::Span<const int> ks);

}  // namespace semblance

#endif  // SEMBLANCE_TRAINER_RETRIEVAL_METRICS_H_
