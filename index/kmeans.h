// k-means (Lloyd's iterations over exact distances) of a few hundred thousand rows.
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
  // Of the rows that the first centroids are.
  int seed = 1;
};

// The cluster of every row, 0 to clusters - 1. `rows` is row-major with `dimension` columns; distances are Euclidean, and every row
// takes part. Takes O(rows + clusters x dimension) memory. Errors: InvalidArgument (a size that is no multiple of the dimension,
// more clusters than rows, options below 1, values that are not finite).
absl::StatusOr<std::vector<int64_t>> KMeansClusters(absl::Span<const float> rows, int dimension, const KMeansOptions& options);

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_KMEANS_H_
