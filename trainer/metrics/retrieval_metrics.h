// How well neighbours in the embedding space share a class.
//
// Thread-safe: functions without state.
//
// Every example queries all others, by inner product and exactly; it is left out of its own results by its index, never by its
// rank, so that equal vectors are treated alike. An example whose class has no other member cannot be answered: it is no query, but
// it stays among the results of the others. Metrics are means over the queries, in [0, 1].
//
//   Recall@K     the share of the queries with an example of their class among the K nearest.
//   precision@1  the share of the nearest that have the query's class: Recall@1 by another name.
//   R-precision  with R = the number of other examples of the query's class: the share of the R nearest that have its class.
//   MAP@R        (Musgrave, Belongie and Lim 2020, arXiv 2003.08505, eq. 4) the sum, over the ranks i <= R at which an example of
//   its
//                class stands, of the precision among the first i, divided by R.
//
// Queries go in blocks, never as a matrix of all pairs: besides the embeddings it takes about 64 MiB, or 1.5 KiB for each neighbour
// looked at where that is more, and FAISS's and BLAS's blocks of some 50 MiB.
#ifndef SEMBLANCE_TRAINER_METRICS_RETRIEVAL_METRICS_H_
#define SEMBLANCE_TRAINER_METRICS_RETRIEVAL_METRICS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace semblance::trainer {

struct RetrievalOptions {
  // The K of Recall@K, each at least 1, in any order.
  std::vector<int> recall_at = {1, 2, 4, 8};
  // Whether to measure R-precision and MAP@R. They look at as many neighbours as the largest class has examples: costly where
  // classes are large.
  bool by_class_size = true;
  // The most neighbours of a query that may be looked at; 0: as many as the metrics ask for.
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
  // Examples that were queries, and those left out because their class has no other. All metrics are 0 where there are no queries.
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
// that are not finite, a K below 1, or metrics that need more than max_neighbors: with fewer neighbours than R, R-precision and
// MAP@R would be wrong without a sign of it).
absl::StatusOr<RetrievalMetrics> MeasureRetrieval(absl::Span<const float> embeddings, int dimension,
                                                  absl::Span<const int64_t> labels, const RetrievalOptions& options);

// Recall@K alone, for each of `ks`. Errors: as of MeasureRetrieval, and InvalidArgument without a K.
absl::StatusOr<std::vector<double>> RecallAtK(absl::Span<const float> embeddings, int dimension, absl::Span<const int64_t> labels,
                                              absl::Span<const int> ks);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_METRICS_RETRIEVAL_METRICS_H_
