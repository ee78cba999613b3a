// Batches as the network takes them: pixels, or features where the backbone has seen the images before (feature_cache.h).
//
// Not thread-safe.
#ifndef SEMBLANCE_TRAINER_LEARNING_INPUT_BATCHES_H_
#define SEMBLANCE_TRAINER_LEARNING_INPUT_BATCHES_H_

#include <torch/torch.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "embedder/torch/networks.h"
#include "trainer/data/loader.h"
#include "trainer/data/sampler.h"
#include "trainer/learning/labeled_images.h"

namespace semblance::trainer {

struct InputBatch {
  // Of the examples, in their split.
  std::vector<int64_t> positions;
  // On the device, a row for each: pixels as of PixelsTensor, or features.
  torch::Tensor inputs;
};

class InputBatches {
 public:
  // `options` are for the images; features are as they are, from options.first_batch on. What `examples` points to must outlive
  // this.
  InputBatches(const LabeledImages& examples, PositionBatches batches, const LoaderOptions& options, torch::Device device);

  // The next batch, in order; nullopt after the last. Errors: as of ImageStore::Get; LibTorch's.
  absl::StatusOr<std::optional<InputBatch>> Next();

 private:
  absl::StatusOr<std::optional<InputBatch>> NextPixels();
  absl::StatusOr<std::optional<InputBatch>> NextFeatures();

  const LabeledImages examples_;
  const torch::Device device_;
  // For features.
  PositionBatches batches_;
  size_t next_;
  // Null for features.
  std::unique_ptr<Loader> loader_;
};

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LEARNING_INPUT_BATCHES_H_
