// Embeddings of many images, computed as in serving, and how good they are.
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

// What the network makes of the examples at the positions of `batches`, without augmentation: float32 on the CPU, a row for each,
// not normalised. Where they have features, the head makes it of these. `threads` decode. Errors: as of InputBatches; LibTorch's.
absl::StatusOr<torch::Tensor> ForwardAll(embedder::EmbeddingNet net, const LabeledImages& examples, PositionBatches batches,
                                         int threads, torch::Device device);

// Row-major [examples, dimension], unit rows. Errors: as of ForwardAll.
absl::StatusOr<std::vector<float>> EmbedAll(embedder::EmbeddingNet net, const LabeledImages& examples, int threads,
                                            torch::Device device);

// Recall@K alone (quick), or all metrics.
enum class Thoroughness { kQuick, kFull };

struct EvaluationSetup {
  // That decode.
  int threads = 1;
  torch::Device device = torch::kCPU;
  Thoroughness thoroughness = Thoroughness::kQuick;
};

// How well neighbours share a class, or how many triplets are right; nullopt for fewer than 2 images. R-precision and MAP@R are
// left out where a class has more than 2,000 images. Errors: as of ForwardAll and EvaluateEmbeddings.
absl::StatusOr<std::optional<Evaluation>> EvaluateImages(embedder::EmbeddingNet net, const LabeledImages& examples,
                                                         const EvaluationSetup& setup);

// "recall@1 0.9012, @2 0.9434, @4 0.9650, @8 0.9780", or "triplet accuracy 0.9012"; empty for none.
std::string FormatEvaluation(const std::optional<Evaluation>& evaluation);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LEARNING_EVALUATION_H_
