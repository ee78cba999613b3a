// Batch norm over the examples of all ranks. The result is that of one process with the whole batch (Ioffe and Szegedy, arXiv
// 1502.03167).
//
// Not thread-safe: changes the running statistics.
#ifndef SEMBLANCE_TRAINER_RANKS_SYNC_BATCH_NORM_H_
#define SEMBLANCE_TRAINER_RANKS_SYNC_BATCH_NORM_H_

#include <torch/torch.h>

#include "trainer/ranks/ranks.h"

namespace semblance::trainer {

// Applies `norm` in training mode to this rank's [N, C, H, W], with the mean and the variance of the examples of all ranks.
// Differentiable. The gradients of weight and bias are those of this rank's examples only; the caller sums them over the ranks. All
// ranks must call it together, in the forward pass and in the backward pass. REQUIRES: an affine norm with running statistics and a
// momentum.
torch::Tensor SyncBatchNorm(const torch::Tensor& x, torch::nn::BatchNorm2dImpl* norm, const Ranks& ranks);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_RANKS_SYNC_BATCH_NORM_H_
