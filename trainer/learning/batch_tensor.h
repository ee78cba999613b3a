// Batches as tensors on the device of the network.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_TRAINER_LEARNING_BATCH_TENSOR_H_
#define SEMBLANCE_TRAINER_LEARNING_BATCH_TENSOR_H_

#include <torch/torch.h>

#include <cstdint>
#include <vector>

#include "embedder/image/preprocess.h"
#include "trainer/data/loader.h"

namespace semblance::trainer {

// uint8 [N, side, side, channels], a copy. To CUDA it goes through pinned memory, without waiting for the copy.
torch::Tensor PixelsTensor(const LoadedBatch& batch, const embedder::Preprocessor& preprocessor, torch::Device device);

// The labels of the examples at `positions`: int64 [N], a copy. `labels` is by position in the store.
torch::Tensor LabelsTensor(const std::vector<int64_t>& positions, const std::vector<int64_t>& labels, torch::Device device);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LEARNING_BATCH_TENSOR_H_
