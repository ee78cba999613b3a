// Batch norm over the examples of all ranks: what one process does with the whole batch (Ioffe and Szegedy, arXiv 1502.03167).
//
// Not thread-safe: changes the running statistics.
#ifndef SEMBLANCE_TRAINER_LEARNING_SYNC_BATCH_NORM_H_
#define SEMBLANCE_TRAINER_LEARNING_SYNC_BATCH_NORM_H_

#include <torch/torch.h>

#include "trainer/learning/ranks.h"

namespace semblance::trainer {

// `norm` in training mode applied to this rank's [N, C, H, W], with the mean and variance of all ranks' examples; differentiable.
// The gradients of weight and bias are of this rank's examples: they are summed with the others. All ranks call it at the same
// time, in the forward pass and in the backward pass. REQUIRES: an affine norm with running statistics and a momentum.
torch::Tensor SyncBatchNorm(const torch::Tensor& x, torch::nn::BatchNorm2dImpl* norm, const Ranks& ranks);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LEARNING_SYNC_BATCH_NORM_H_
