// One evaluation of an embedding: all metrics of a set of labelled vectors, and the forms in which they are kept.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_TRAINER_METRICS_EMBEDDING_EVALUATION_H_
#define SEMBLANCE_TRAINER_METRICS_EMBEDDING_EVALUATION_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "semblance/storage/v1/bundle.pb.h"
#include "trainer/metrics/named_value.h"
#include "trainer/metrics/retrieval_metrics.h"

namespace semblance::trainer {

struct EvaluationOptions {
  RetrievalOptions retrieval;
  // Whether to measure the NMI of k-means, from the start that `seed` gives. It takes about as long as 25 x classes more queries.
  bool nmi = true;
  int seed = 1;
};

struct Evaluation {
  // Empty where there are no labels.
  RetrievalMetrics retrieval;
  // Unset where it was not measured.
  std::optional<double> nmi;
  // Where there are triplets in place of labels: how many, and the share of them that is right (see triplet_accuracy.h).
  int64_t triplets = 0;
  std::optional<double> triplet_accuracy;

  // By which epochs are compared: recall@1, or triplet_accuracy.
  double quality() const { return triplet_accuracy.value_or(retrieval.precision_at_1); }
};

// `embeddings` is row-major with `dimension` columns, unit rows. Errors: as of MeasureRetrieval.
absl::StatusOr<Evaluation> EvaluateEmbeddings(absl::Span<const float> embeddings, int dimension, absl::Span<const int64_t> labels,
                                              const EvaluationOptions& options);

// For the log of the run: "recall/at_1", ... and "metrics/r_precision", "metrics/map_at_r", "metrics/nmi", "triplets/accuracy", as
// far as measured.
std::vector<NamedValue> NamedValuesOf(const Evaluation& evaluation);

// For the bundle.
storage::v1::EvaluationRecord ToEvaluationRecord(const Evaluation& evaluation);
// And back, without the single classes.
Evaluation FromEvaluationRecord(const storage::v1::EvaluationRecord& record);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_METRICS_EMBEDDING_EVALUATION_H_
