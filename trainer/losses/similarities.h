// Dense cosines of a batch, and which of them a loss counts: for the losses that are no softmax over all proxies.
//
// Thread-safe: functions without state. N x P floats are held, and their gradients.
#ifndef SEMBLANCE_TRAINER_LOSSES_SIMILARITIES_H_
#define SEMBLANCE_TRAINER_LOSSES_SIMILARITIES_H_

#include <torch/torch.h>

#include "trainer/losses/loss.h"

namespace semblance::trainer {

// cos(x, p): [N, P], differentiable.
torch::Tensor ProxyCosines(const LossBatch& batch);

// Of [N, P], bool: where the proxy is the example's positive, and where it is one of its negatives.
torch::Tensor PositiveMask(const LossBatch& batch);
torch::Tensor NegativeMask(const LossBatch& batch);

// cos(x, y) of the examples among each other: [N, N], differentiable.
torch::Tensor PairCosines(const LossBatch& batch);

// Of [N, N], bool: two different examples of one class, and two of different classes.
torch::Tensor SameClassPairs(const torch::Tensor& labels);
torch::Tensor OtherClassPairs(const torch::Tensor& labels);

// 0, with gradients of 0 for whatever the batch holds.
torch::Tensor NothingToLearn(const LossBatch& batch);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LOSSES_SIMILARITIES_H_
