// The denominator of softmax losses over proxies: log of a sum over all of them, a chunk of proxies at a time.
//
// Thread-safe: a function without state.
#ifndef SEMBLANCE_TRAINER_LOSSES_PROXY_SOFTMAX_H_
#define SEMBLANCE_TRAINER_LOSSES_PROXY_SOFTMAX_H_

#include <torch/torch.h>

#include <cstdint>

#include "trainer/losses/loss.h"

namespace semblance::trainer {

struct ProxySoftmaxOptions {
  double scale = 1;
  // Leave the example's positive out of the sum.
  bool negatives_only = false;
  // Proxies of one matrix product: what is held at a time is N times so many floats, in both directions.
  int64_t chunk_rows = 16'384;
};

// log sum_p exp(scale cos(x, p)) over the proxies p that the batch counts for x: [N], differentiable in `unit_embeddings` (the
// batch's, normalised) and batch.proxies. -inf, with gradients of 0, where there are none. Needs memory for the gradients, for the
// chunks and for nothing else: exponents are computed again on the way back. Uses batch.negatives where they are given.
torch::Tensor ProxyLogSumExp(const torch::Tensor& unit_embeddings, const LossBatch& batch, const ProxySoftmaxOptions& options);

// scale cos(x, p(x)) for each example: [N].
torch::Tensor PositiveSimilarities(const torch::Tensor& unit_embeddings, const LossBatch& batch, double scale);

// -log of the positive's share, with a part `smoothing` of its weight spread evenly over all proxies: the mean over the batch.
torch::Tensor SmoothedCrossEntropy(const torch::Tensor& unit_embeddings, const LossBatch& batch, double scale, double smoothing);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LOSSES_PROXY_SOFTMAX_H_
