#include "trainer/learning/input_batches.h"

#include <utility>

#include "common/status_macros.h"
#include "embedder/torch/device.h"
#include "trainer/learning/batch_tensor.h"

namespace semblance::trainer {

InputBatches::InputBatches(const LabeledImages& examples, PositionBatches batches, const LoaderOptions& options,
                           torch::Device device)
    : examples_(examples), device_(device), next_(options.first_batch) {
  if (examples.features.defined()) {
    batches_ = std::move(batches);
  } else {
    loader_ = std::make_unique<Loader>(examples.images, std::move(batches), options);
  }
}

absl::StatusOr<std::optional<InputBatch>> InputBatches::Next() {
  return loader_ == nullptr ? NextFeatures() : NextPixels();
}

absl::StatusOr<std::optional<InputBatch>> InputBatches::NextPixels() {
  SEMBLANCE_ASSIGN_OR_RETURN(std::optional<LoadedBatch> batch, loader_->Next());
  if (!batch.has_value()) {
    return std::nullopt;
  }
  InputBatch result;
  SEMBLANCE_RETURN_IF_ERROR(
      embedder::CatchTorchErrors([&] { result.inputs = PixelsTensor(*batch, examples_.images->preprocessor(), device_); }));
  result.positions = std::move(batch->positions);
  return std::optional<InputBatch>(std::move(result));
}

absl::StatusOr<std::optional<InputBatch>> InputBatches::NextFeatures() {
  if (next_ == batches_.size()) {
    return std::nullopt;
  }
  InputBatch result;
  result.positions = std::move(batches_[next_++]);
  SEMBLANCE_RETURN_IF_ERROR(embedder::CatchTorchErrors(
      [&] { result.inputs = examples_.features.index_select(0, torch::tensor(result.positions, torch::kInt64)).to(device_); }));
  return std::optional<InputBatch>(std::move(result));
}

}  // namespace semblance::trainer
