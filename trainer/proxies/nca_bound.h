// The bound that proxies give (arXiv 1703.07464, proposition 3.1): the NCA loss on examples is at most a function of the Proxy-NCA
// loss and of the distances between examples and their proxies.
//
// Thread-safe: a function without state.
//
// Let d(x, y) = 2 - 2 cos. Take an anchor x, a positive y and negatives Z, each with its proxy p(.). The lengths are s_x and s_p,
// and a = 1 / (s_x s_p) <= 1. Epsilon is the largest 1 - cos(y, p(y)) over the examples. Then
//
//   NCA(x, y, Z)      = d(x, y) + log sum_z exp(-d(x, z))
//   ProxyNCA(x, y, Z) = the same with p(y) and p(z), with x of length s_x and proxies of length s_p
//   NCA <= a ProxyNCA + (1 - a) log |Z| + 4 sqrt(2 epsilon)
//
// up to the constants of the lengths in ProxyNCA, which cancel. Proof: a vector and its proxy are sqrt(2 - 2 cos) <= sqrt(2
// epsilon) apart. So no cosine with x changes by more than that, and no squared distance by more than twice that. Each of the two
// terms of the loss changes by no more than its distances do. (With distances of 1 - cos the last term is the paper's, 2 sqrt(2
// epsilon).)
#ifndef SEMBLANCE_TRAINER_PROXIES_NCA_BOUND_H_
#define SEMBLANCE_TRAINER_PROXIES_NCA_BOUND_H_

#include <torch/torch.h>

#include <cstdint>

namespace semblance::trainer {

struct NcaBound {
  // Sums over the anchors of a batch that have a positive and negatives in the batch, and the number of these anchors.
  double nca = 0;
  double bound = 0;
  int64_t anchors = 0;
  // The epsilon above, over all examples of the batch; 0 to 2.
  double epsilon = 0;

  // Adds the sums of another batch and keeps the larger epsilon. (Each batch's bound was computed with its own epsilon.)
  void Add(const NcaBound& other);
};

struct NcaBoundInputs {
  // [N, D], unit rows, without gradients.
  torch::Tensor embeddings;
  // [N, D], unit rows: the proxy of each example.
  torch::Tensor proxies;
  // [N], int64.
  torch::Tensor labels;
};

// Takes each example as an anchor. Its positive is the first other example of its class in the batch, and its negatives are the
// examples of other classes. REQUIRES: s_x s_p >= 1.
NcaBound MeasureNcaBound(const NcaBoundInputs& inputs, double embedding_scale, double proxy_scale);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_PROXIES_NCA_BOUND_H_
