// How far proxies bound what they stand for (arXiv 1703.07464, proposition 3.1): the NCA loss on examples is at most a function of
// the Proxy-NCA loss and of how near examples are to their proxies.
//
// Thread-safe: a function without state.
//
// With d(x, y) = 2 - 2 cos, an anchor x, a positive y, negatives Z, each with its proxy p(.), lengths s_x and s_p, a = 1 / (s_x
// s_p)
// <= 1 and epsilon the largest 1 - cos(y, p(y)) of the examples:
//
//   NCA(x, y, Z)      = d(x, y) + log sum_z exp(-d(x, z))
//   ProxyNCA(x, y, Z) = the same with p(y) and p(z), x of length s_x and proxies of length s_p
//   NCA <= a ProxyNCA + (1 - a) log |Z| + 4 sqrt(2 epsilon)
//
// up to the constants of a ProxyNCA that cancel (those of the lengths). For a vector and its proxy are sqrt(2 - 2 cos) <= sqrt(2
// epsilon) apart, so no cosine with x changes by more, no squared distance by more than twice that, and each of the two terms of
// the loss by no more than its distances. (With distances of 1 - cos the last term is the paper's, 2 sqrt(2 epsilon).)
#ifndef SEMBLANCE_TRAINER_LEARNING_NCA_BOUND_H_
#define SEMBLANCE_TRAINER_LEARNING_NCA_BOUND_H_

#include <torch/torch.h>

#include <cstdint>

namespace semblance::trainer {

struct NcaBound {
  // Sums over the anchors of a batch that have a positive and negatives in it; how many they are.
  double nca = 0;
  double bound = 0;
  int64_t anchors = 0;
  // Of all examples of the batch; 0 to 2.
  double epsilon = 0;

  // The larger epsilon, and all anchors. (The sums were computed with the epsilons of their batches.)
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

// Each example is an anchor; its positive is the next of its class in the batch, its negatives those of other classes. REQUIRES:
// s_x s_p >= 1.
NcaBound MeasureNcaBound(const NcaBoundInputs& inputs, double embedding_scale, double proxy_scale);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LEARNING_NCA_BOUND_H_
