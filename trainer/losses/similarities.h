// The cosines of a whole batch, for losses that are not a softmax over all proxies.
//
// Thread-safe: functions without state. They hold N x P (or N x N) floats and as many gradients.
#ifndef SEMBLANCE_TRAINER_LOSSES_SIMILARITIES_H_
#define SEMBLANCE_TRAINER_LOSSES_SIMILARITIES_H_

#include <torch/torch.h>

#include "trainer/losses/loss.h"

namespace semblance::trainer {

// The cosine of every example with every proxy: [N, P], differentiable.
torch::Tensor ProxyCosines(const ProxyBatch& batch);

// [N, P], bool: true where the proxy is the example's positive.
torch::Tensor PositiveMask(const ProxyBatch& batch);

// [N, P], bool: true where the proxy is a negative of the example.
torch::Tensor NegativeMask(const ProxyBatch& batch);

// The cosines between the examples: [N, N], differentiable.
torch::Tensor PairCosines(const torch::Tensor& embeddings);

// A loss of 0 with gradients of 0 in the embeddings.
torch::Tensor NothingToLearn(const torch::Tensor& embeddings);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LOSSES_SIMILARITIES_H_
