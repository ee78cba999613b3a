// One evaluation of an embedding: all metrics of a set of labeled vectors, and the forms in which they are kept.
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
  // True: measures the NMI of k-means, with the start that `seed` gives. This takes about as long as 25 x classes more queries.
  bool nmi = true;
  int seed = 1;
};

struct Evaluation {
  // Empty if there are no labels.
  RetrievalMetrics retrieval;
  // Unset if it was not measured.
  std::optional<double> nmi;
  // For data of triplets: their number, and the share of them that is right (see triplet_accuracy.h).
  int64_t triplets = 0;
  std::optional<double> triplet_accuracy;

  // The number by which epochs are compared: recall@1, or triplet_accuracy.
  double quality() const { return triplet_accuracy.value_or(retrieval.precision_at_1); }
};

// `embeddings` is row-major with `dimension` columns, unit rows. Errors: those of MeasureRetrieval.
absl::StatusOr<Evaluation> EvaluateEmbeddings(absl::Span<const float> embeddings, int dimension, absl::Span<const int64_t> labels,
                                              const EvaluationOptions& options);

// The measured values for the log of the run: "recall/at_1", ... and "metrics/r_precision", "metrics/map_at_r", "metrics/nmi",
// "triplets/accuracy".
std::vector<NamedValue> NamedValuesOf(const Evaluation& evaluation);

// The record that a bundle keeps.
storage::v1::EvaluationRecord ToEvaluationRecord(const Evaluation& evaluation);
// The evaluation that a record was made from, without the values of single classes.
Evaluation FromEvaluationRecord(const storage::v1::EvaluationRecord& record);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_METRICS_EMBEDDING_EVALUATION_H_
