// Embeddings of many images, computed as in serving, and their recall.
//
// Not thread-safe: switches the network to evaluation mode and back to training.
#ifndef SEMBLANCE_TRAINER_EVALUATION_H_
#define SEMBLANCE_TRAINER_EVALUATION_H_

#include <torch/torch.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "embedder/torch/networks.h"
#include "semblance/storage/v1/bundle.pb.h"
#include "trainer/image_store.h"
#include "trainer/sampler.h"

namespace semblance {

using Recalls = google::protobuf::RepeatedPtrField<storage::v1::RecallAtK>;

// What the network makes of the images at the positions of `batches`, without augmentation: float32 on the CPU, a row for each
// image, not normalised. `threads` decode. Errors: as of Loader; LibTorch's.
absl::StatusOr<torch::Tensor> ForwardAll(EmbeddingNet net, const ImageStore& store, PositionBatches batches, int threads,
                                         torch::Device device);

// Row-major [store.size(), dimension], unit rows. Errors: as of ForwardAll.
absl::StatusOr<std::vector<float>> EmbedAll(EmbeddingNet net, const ImageStore& store, int threads, torch::Device device);

// Recall at 1, 2, 4 and 8; empty for an empty store. `labels` is by position in the store.
absl::StatusOr<Recalls> EvaluateRecall(EmbeddingNet net, const ImageStore& store, const std::vector<int64_t>& labels, int threads,
                                       torch::Device device);

// "recall@1 0.9012, @2 0.9434, @4 0.9650, @8 0.9780"; empty for none.
std::string FormatRecalls(const Recalls& recalls);

}  // namespace semblance

#endif  // SEMBLANCE_TRAINER_EVALUATION_H_
