#include "trainer/metrics/embedding_evaluation.h"

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "trainer/metrics/clustering_metrics.h"

namespace semblance::trainer {

absl::StatusOr<Evaluation> EvaluateEmbeddings(absl::Span<const float> embeddings, int dimension, absl::Span<const int64_t> labels,
                                              const EvaluationOptions& options) {
  Evaluation evaluation;
  SEMBLANCE_ASSIGN_OR_RETURN(evaluation.retrieval, MeasureRetrieval(embeddings, dimension, labels, options.retrieval));
  if (options.nmi) {
    SEMBLANCE_ASSIGN_OR_RETURN(evaluation.nmi, ClusteringNmi(embeddings, dimension, labels, options.seed));
  }
  return evaluation;
}

std::vector<NamedValue> NamedValuesOf(const Evaluation& evaluation) {
  std::vector<NamedValue> values;
  for (const RecallAt& entry : evaluation.retrieval.recall_at) {
    values.push_back({absl::StrCat("recall/at_", entry.k), entry.recall});
  }
  const auto add_measured = [&values](const char* name, std::optional<double> value) {
    if (value.has_value()) {
      values.push_back({name, *value});
    }
  };
  add_measured("metrics/r_precision", evaluation.retrieval.r_precision);
  add_measured("metrics/map_at_r", evaluation.retrieval.map_at_r);
  add_measured("metrics/nmi", evaluation.nmi);
  add_measured("triplets/accuracy", evaluation.triplet_accuracy);
  return values;
}

storage::v1::EvaluationRecord ToEvaluationRecord(const Evaluation& evaluation) {
  storage::v1::EvaluationRecord record;
  record.set_queries(evaluation.retrieval.queries);
  record.set_left_out(evaluation.retrieval.left_out);
  for (const RecallAt& entry : evaluation.retrieval.recall_at) {
    storage::v1::RecallAtK* const recall = record.add_recall();
    recall->set_k(entry.k);
    recall->set_recall(entry.recall);
  }
  if (evaluation.retrieval.r_precision.has_value()) {
    record.set_r_precision(*evaluation.retrieval.r_precision);
  }
  if (evaluation.retrieval.map_at_r.has_value()) {
    record.set_map_at_r(*evaluation.retrieval.map_at_r);
  }
  if (evaluation.nmi.has_value()) {
    record.set_nmi(*evaluation.nmi);
  }
  record.set_triplets(evaluation.triplets);
  if (evaluation.triplet_accuracy.has_value()) {
    record.set_triplet_accuracy(*evaluation.triplet_accuracy);
  }
  return record;
}

Evaluation FromEvaluationRecord(const storage::v1::EvaluationRecord& record) {
  Evaluation evaluation;
  evaluation.retrieval.queries = record.queries();
  evaluation.retrieval.left_out = record.left_out();
  for (const storage::v1::RecallAtK& recall : record.recall()) {
    evaluation.retrieval.recall_at.push_back({recall.k(), recall.recall()});
    if (recall.k() == 1) {
      evaluation.retrieval.precision_at_1 = recall.recall();
    }
  }
  if (record.has_r_precision()) {
    evaluation.retrieval.r_precision = record.r_precision();
  }
  if (record.has_map_at_r()) {
    evaluation.retrieval.map_at_r = record.map_at_r();
  }
  if (record.has_nmi()) {
    evaluation.nmi = record.nmi();
  }
  evaluation.triplets = record.triplets();
  if (record.has_triplet_accuracy()) {
    evaluation.triplet_accuracy = record.triplet_accuracy();
  }
  return evaluation;
}

}  // namespace semblance::trainer
