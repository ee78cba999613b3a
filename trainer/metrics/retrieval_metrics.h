// Measures how well neighbors in the embedding space share a class.
//
// Thread-safe: functions without state.
//
// Every example is a query to all others, by inner product, and the search is exact. An example is removed from its own results by
// its index and never by its rank, so equal vectors are treated alike. An example whose class has no other member is not a query,
// but it stays among the results of the others. Metrics are means over the queries, in [0, 1].
//
//   Recall@K     the share of the queries with an example of their class among the K nearest.
//   precision@1  the share of the nearest that have the query's class; the same as Recall@1.
//   R-precision  with R = the number of other examples of the query's class: the share of the R nearest that have its class.
//   MAP@R        (Musgrave, Belongie and Lim 2020, arXiv 2003.08505, eq. 4) the sum of the precision among the first i, over the
//                ranks i <= R of the examples of its class, divided by R.
//
// Queries are processed in blocks, and a matrix of all pairs never exists. Besides the embeddings this needs about 64 MiB, or 1.5
// KiB for each neighbor that is looked at if that is more, and about 50 MiB for the blocks of FAISS and BLAS.
#ifndef SEMBLANCE_TRAINER_METRICS_RETRIEVAL_METRICS_H_
#define SEMBLANCE_TRAINER_METRICS_RETRIEVAL_METRICS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace semblance::trainer {

struct RetrievalOptions {
  // The values of K for Recall@K, each at least 1, in any order.
  std::vector<int> recall_at = {1, 2, 4, 8};
  // True: measures R-precision and MAP@R. They look at as many neighbors as the largest class has examples, so they are costly if a
  // class is large.
  bool by_class_size = true;
  // The largest number of neighbors of a query that may be looked at. 0: as many as the metrics need.
  int max_neighbors = 0;
};

// Recall@k.
struct RecallAt {
  int k = 0;
  double recall = 0;

  bool operator==(const RecallAt&) const = default;
};

// The queries of one class.
struct ClassRetrieval {
  int64_t label = 0;
  int64_t count = 0;
  double recall_at_1 = 0;
  // Unset without by_class_size.
  std::optional<double> r_precision;

  bool operator==(const ClassRetrieval&) const = default;
};

struct RetrievalMetrics {
  // The number of examples that were queries, and of those left out because their class has no other. All metrics are 0 if there
  // are no queries.
  int64_t queries = 0;
  int64_t left_out = 0;
  // In the order of RetrievalOptions::recall_at.
  std::vector<RecallAt> recall_at;
  double precision_at_1 = 0;
  // Unset without by_class_size.
  std::optional<double> r_precision;
  std::optional<double> map_at_r;
  // The classes of at least two examples, by label.
  std::vector<ClassRetrieval> classes;
};

// `embeddings` is row-major with `dimension` columns. Errors: InvalidArgument (sizes that do not fit, fewer than 2 examples, values
// that are not finite, a K below 1, or metrics that need more than max_neighbors, because R-precision and MAP@R of fewer than R
// neighbors would be silently wrong).
absl::StatusOr<RetrievalMetrics> MeasureRetrieval(absl::Span<const float> embeddings, int dimension,
                                                  absl::Span<const int64_t> labels, const RetrievalOptions& options);

// Recall@K only, for each of `ks`. Errors: those of MeasureRetrieval, and InvalidArgument if `ks` is empty.
absl::StatusOr<std::vector<double>> RecallAtK(absl::Span<const float> embeddings, int dimension, absl::Span<const int64_t> labels,
                                              absl::Span<const int> ks);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_METRICS_RETRIEVAL_METRICS_H_
