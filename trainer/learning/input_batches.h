// Batches of inputs for the network: pixels, or the cached outputs of the backbone (see feature_cache.h).
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
  // The positions of the examples in their split.
  std::vector<int64_t> positions;
  // A row for each example, on the device: pixels as PixelsTensor returns them, or features.
  torch::Tensor inputs;
};

class InputBatches {
 public:
  // `options` apply to images; of them, only first_batch applies to features. The objects that `examples` points to must outlive
  // this one.
  InputBatches(const LabeledImages& examples, PositionBatches batches, const LoaderOptions& options, torch::Device device);

  // The next batch, in order; nullopt after the last. Errors: those of ImageStore::Get and of LibTorch.
  absl::StatusOr<std::optional<InputBatch>> Next();

 private:
  absl::StatusOr<std::optional<InputBatch>> NextPixels();
  absl::StatusOr<std::optional<InputBatch>> NextFeatures();

  const LabeledImages examples_;
  const torch::Device device_;
  // Used for features only.
  PositionBatches batches_;
  size_t next_;
  // Null for features.
  std::unique_ptr<Loader> loader_;
};

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LEARNING_INPUT_BATCHES_H_
