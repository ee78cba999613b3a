// Embeds many images as the server does, and measures the quality of the embeddings.
//
// Not thread-safe: switches the network to evaluation mode and back to training.
#ifndef SEMBLANCE_TRAINER_LEARNING_EVALUATION_H_
#define SEMBLANCE_TRAINER_LEARNING_EVALUATION_H_

#include <torch/torch.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "embedder/torch/networks.h"
#include "trainer/data/sampler.h"
#include "trainer/learning/labeled_images.h"
#include "trainer/metrics/embedding_evaluation.h"

namespace semblance::trainer {

// The outputs of the network for the examples at the positions of `batches`, without augmentation: float32 on the CPU, a row for
// each example, not normalized. If the examples have features, only the head runs. Decodes images with `threads` threads. Errors:
// those of InputBatches and of LibTorch.
absl::StatusOr<torch::Tensor> ForwardAll(embedder::EmbeddingNet net, const LabeledImages& examples, PositionBatches batches,
                                         int threads, torch::Device device);

// The embeddings of all examples: row-major [examples, dimension], unit rows. Errors: those of ForwardAll.
absl::StatusOr<std::vector<float>> EmbedAll(embedder::EmbeddingNet net, const LabeledImages& examples, int threads,
                                            torch::Device device);

// kQuick measures Recall@K only, and kFull measures all metrics.
enum class Thoroughness { kQuick, kFull };

struct EvaluationSetup {
  // The number of threads that decode images.
  int threads = 1;
  torch::Device device = torch::kCPU;
  Thoroughness thoroughness = Thoroughness::kQuick;
};

// Measures how well neighbors share a class, or how many triplets are right. Returns nullopt for fewer than 2 images. R-precision
// and MAP@R are left out if a class has more than 2,000 images. Errors: those of ForwardAll and EvaluateEmbeddings.
absl::StatusOr<std::optional<Evaluation>> EvaluateImages(embedder::EmbeddingNet net, const LabeledImages& examples,
                                                         const EvaluationSetup& setup);

// "recall@1 0.9012, @2 0.9434, @4 0.9650, @8 0.9780", or "triplet accuracy 0.9012". Empty for nullopt.
std::string FormatEvaluation(const std::optional<Evaluation>& evaluation);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LEARNING_EVALUATION_H_
