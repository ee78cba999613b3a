// Measures how well clusters of the embeddings agree with the classes.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_TRAINER_METRICS_CLUSTERING_METRICS_H_
#define SEMBLANCE_TRAINER_METRICS_CLUSTERING_METRICS_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace semblance::trainer {

// The normalized mutual information of two labelings of the same things: 2 I(a, b) / (H(a) + H(b)), in [0, 1]. It is 1 if both put
// everything into one class. Labels are any numbers. REQUIRES: a.size() == b.size(), which is not 0.
double NormalizedMutualInformation(absl::Span<const int64_t> a, absl::Span<const int64_t> b);

// The normalized mutual information of `labels` and a k-means clustering of the embeddings into as many clusters as there are
// classes (Euclidean, one start, which `seed` determines). This is the NMI of the papers on metric learning. `embeddings` is
// row-major with `dimension` columns. Clusters depend on the seed, so differences of about 0.01 mean little. Errors:
// InvalidArgument (sizes that do not fit, no examples, values that are not finite).
absl::StatusOr<double> ClusteringNmi(absl::Span<const float> embeddings, int dimension, absl::Span<const int64_t> labels, int seed);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_METRICS_CLUSTERING_METRICS_H_
