#include "trainer/learning/evaluation.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/status_macros.h"
#include "embedder/torch/device.h"
#include "trainer/data/sampler.h"
#include "trainer/learning/input_batches.h"
#include "trainer/metrics/triplet_accuracy.h"

namespace semblance::trainer {
namespace {

constexpr int kEvaluationBatchSize = 256;
// R-precision looks at as many neighbors as the largest class has members.
constexpr int64_t kMaxNeighbors = 2000;

int64_t LargestClass(const std::vector<int64_t>& labels) {
  std::map<int64_t, int64_t> counts;
  int64_t largest = 0;
  for (const int64_t label : labels) {
    largest = std::max(largest, ++counts[label]);
  }
  return largest;
}

}  // namespace

absl::StatusOr<torch::Tensor> ForwardAll(embedder::EmbeddingNet net, const LabeledImages& examples, PositionBatches batches,
                                         int threads, torch::Device device) {
  net->eval();
  const absl::Cleanup back_to_training = [&net] { net->train(); };
  LoaderOptions options;
  options.threads = threads;
  InputBatches inputs(examples, std::move(batches), options, device);
  std::vector<torch::Tensor> outputs;
  while (true) {
    SEMBLANCE_ASSIGN_OR_RETURN(const std::optional<InputBatch> batch, inputs.Next());
    if (!batch.has_value()) {
      break;
    }
    SEMBLANCE_RETURN_IF_ERROR(embedder::CatchTorchErrors([&] {
      const torch::NoGradGuard no_grad;
      const torch::Tensor output = examples.features.defined() ? net->Head(batch->inputs) : net->forward(batch->inputs);
      outputs.push_back(output.to(torch::kCPU));
    }));
  }
  return torch::cat(outputs);
}

absl::StatusOr<std::vector<float>> EmbedAll(embedder::EmbeddingNet net, const LabeledImages& examples, int threads,
                                            torch::Device device) {
  SEMBLANCE_ASSIGN_OR_RETURN(
      const torch::Tensor outputs,
      ForwardAll(std::move(net), examples, SequentialBatches(examples.images->size(), kEvaluationBatchSize), threads, device));
  const torch::Tensor rows = embedder::NormalizeRows(outputs).contiguous();
  return std::vector<float>(rows.data_ptr<float>(), rows.data_ptr<float>() + rows.numel());
}

absl::StatusOr<std::optional<Evaluation>> EvaluateImages(embedder::EmbeddingNet net, const LabeledImages& examples,
                                                         const EvaluationSetup& setup) {
  if (examples.images->size() < 2) {
    return std::nullopt;
  }
  SEMBLANCE_ASSIGN_OR_RETURN(const std::vector<float> embeddings, EmbedAll(std::move(net), examples, setup.threads, setup.device));
  const int dimension = static_cast<int>(embeddings.size() / static_cast<size_t>(examples.images->size()));
  if (examples.triplets != nullptr) {
    Evaluation evaluation;
    evaluation.triplets = static_cast<int64_t>(examples.triplets->size());
    evaluation.triplet_accuracy = TripletAccuracy(embeddings, dimension, *examples.triplets);
    return std::optional<Evaluation>(std::move(evaluation));
  }
  const std::vector<int64_t>& labels = *examples.labels;
  const bool is_full = setup.thoroughness == Thoroughness::kFull;
  EvaluationOptions options;
  options.retrieval.by_class_size = is_full && LargestClass(labels) <= kMaxNeighbors;
  options.nmi = is_full;
  SEMBLANCE_ASSIGN_OR_RETURN(Evaluation evaluation, EvaluateEmbeddings(embeddings, dimension, labels, options));
  return std::optional<Evaluation>(std::move(evaluation));
}

std::string FormatEvaluation(const std::optional<Evaluation>& evaluation) {
  std::string text;
  if (!evaluation.has_value()) {
    return text;
  }
  if (evaluation->triplet_accuracy.has_value()) {
    return absl::StrFormat("triplet accuracy %.4f", *evaluation->triplet_accuracy);
  }
  for (const RecallAt& recall : evaluation->retrieval.recall_at) {
    absl::StrAppend(&text, text.empty() ? "recall" : ", ", absl::StrFormat("@%d %.4f", recall.k, recall.recall));
  }
  return text;
}

}  // namespace semblance::trainer
