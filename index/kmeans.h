// k-means clustering of a few hundred thousand rows, by Lloyd's iterations over exact distances.
//
// Thread-safe: functions without state. Runs on as many threads as OpenMP gives the calling thread; the same rows, options and
// number of threads give the same clusters.
#ifndef SEMBLANCE_INDEX_KMEANS_H_
#define SEMBLANCE_INDEX_KMEANS_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace semblance::index {

struct KMeansOptions {
  // 1 to the number of rows.
  int clusters = 1;
  int iterations = 25;
  // Seeds the random choice of the rows that become the first centroids.
  int seed = 1;
};

// Returns the cluster of every row, 0 to clusters - 1. `rows` is row-major with `dimension` columns. Distances are Euclidean, and
// every row takes part. Needs O(rows + clusters x dimension) memory. Errors: InvalidArgument (a size that is not a multiple of the
// dimension, more clusters than rows, options below 1, values that are not finite).
absl::StatusOr<std::vector<int64_t>> KMeansClusters(absl::Span<const float> rows, int dimension, const KMeansOptions& options);

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_KMEANS_H_
