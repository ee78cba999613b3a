// The denominator of softmax losses over proxies: the log of a sum over all of them, computed a chunk of proxies at a time.
//
// Thread-safe: functions without state.
//
// `unit_embeddings` are the embeddings of the batch, normalized by the caller. All functions are differentiable in them and in
// batch.proxies.
#ifndef SEMBLANCE_TRAINER_LOSSES_PROXY_SOFTMAX_H_
#define SEMBLANCE_TRAINER_LOSSES_PROXY_SOFTMAX_H_

#include <torch/torch.h>

#include <cstdint>

#include "trainer/losses/loss.h"

namespace semblance::trainer {

struct ProxySoftmaxOptions {
  double scale = 1;
  // Leaves the example's positive out of the sum.
  bool negatives_only = false;
  // The proxies of one matrix product. N times as many floats are held at a time, in the forward and in the backward pass.
  int64_t chunk_rows = 16'384;
};

// For each example x: log sum_p exp(scale cos(x, p)) over its negatives and, unless negatives_only, its positive. [N]. The value
// is -inf, with gradients of 0, for an example without any such proxy.
//
// Needs memory for the gradients and for one chunk only: the backward pass computes the exponents again. (With NamedProxies the
// named rows are held as well.)
torch::Tensor ProxyLogSumExp(const torch::Tensor& unit_embeddings, const ProxyBatch& batch, const ProxySoftmaxOptions& options);

// scale cos(x, p(x)) for each example: [N].
torch::Tensor PositiveSimilarities(const torch::Tensor& unit_embeddings, const ProxyBatch& batch, double scale);

// The mean of -log(the positive's share of the softmax). A part `smoothing` of the positive's weight is spread evenly over all
// proxies of the batch.
torch::Tensor SmoothedCrossEntropy(const torch::Tensor& unit_embeddings, const ProxyBatch& batch, double scale, double smoothing);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LOSSES_PROXY_SOFTMAX_H_
