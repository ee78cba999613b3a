#include "trainer/evaluation.h"

#include <optional>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/status_macros.h"
#include "embedder/torch/device.h"
#include "trainer/batch_tensor.h"
#include "trainer/loader.h"
#include "trainer/retrieval_metrics.h"
#include "trainer/sampler.h"

namespace semblance {
namespace {

constexpr int kEvaluationBatchSize = 256;
constexpr int kRecallAt[] = {1, 2, 4, 8};

}  // namespace

absl::StatusOr<torch::Tensor> ForwardAll(EmbeddingNet net, const ImageStore& store, PositionBatches batches, int threads,
                                         torch::Device device) {
  net->eval();
  const absl::Cleanup back_to_training = [&net] { net->train(); };
  LoaderOptions options;
  options.threads = threads;
  Loader loader(&store, std::move(batches), options);
  std::vector<torch::Tensor> outputs;
  while (true) {
    SEMBLANCE_ASSIGN_OR_RETURN(const std::optional<Batch> batch, loader.Next());
    if (!batch.has_value()) {
      break;
    }
    SEMBLANCE_RETURN_IF_ERROR(CatchTorchErrors([&] {
      const torch::NoGradGuard no_grad;
      outputs.push_back(net->forward(PixelsTensor(*batch, store.preprocessor(), device)).to(torch::kCPU));
    }));
  }
  return torch::cat(outputs);
}

absl::StatusOr<std::vector<float>> EmbedAll(EmbeddingNet net, const ImageStore& store, int threads, torch::Device device) {
  SEMBLANCE_ASSIGN_OR_RETURN(
      const torch::Tensor outputs,
      ForwardAll(std::move(net), store, SequentialBatches(store.size(), kEvaluationBatchSize), threads, device));
  const torch::Tensor rows = NormalizeRows(outputs).contiguous();
  return std::vector<float>(rows.data_ptr<float>(), rows.data_ptr<float>() + rows.numel());
}

absl::StatusOr<Recalls> EvaluateRecall(EmbeddingNet net, const ImageStore& store, const std::vector<int64_t>& labels, int threads,
                                       torch::Device device) {
  Recalls recalls;
  if (store.size() == 0) {
    return recalls;
  }
  SEMBLANCE_ASSIGN_OR_RETURN(const std::vector<float> embeddings, EmbedAll(std::move(net), store, threads, device));
  const int dimension = static_cast<int>(embeddings.size() / labels.size());
  SEMBLANCE_ASSIGN_OR_RETURN(const std::vector<double> values, RecallAtK(embeddings, dimension, labels, kRecallAt));
  for (size_t i = 0; i < values.size(); ++i) {
    storage::v1::RecallAtK* const recall = recalls.Add();
    recall->set_k(kRecallAt[i]);
    recall->set_recall(values[i]);
  }
  return recalls;
}

std::string FormatRecalls(const Recalls& recalls) {
  std::string text;
  for (const storage::v1::RecallAtK& recall : recalls) {
    absl::StrAppend(&text, text.empty() ? "recall" : ", ", absl::StrFormat("@%d %.4f", recall.k(), recall.recall()));
  }
  return text;
}

}  // namespace semblance
