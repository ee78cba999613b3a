// Converts batches to tensors on the device of the network.
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

// Copies the pixels: uint8 [N, side, side, channels]. A copy to CUDA uses pinned memory and does not wait for the transfer.
torch::Tensor PixelsTensor(const LoadedBatch& batch, const embedder::Preprocessor& preprocessor, torch::Device device);

// Copies the labels of the examples at `positions`: int64 [N]. `labels` is indexed by position.
torch::Tensor LabelsTensor(const std::vector<int64_t>& positions, const std::vector<int64_t>& labels, torch::Device device);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LEARNING_BATCH_TENSOR_H_
