// SoftTriple (Qian et al., "SoftTriple Loss: Deep Metric Learning Without Triplet Sampling", ICCV 2019, arXiv 1909.05235,
// equations 6 to 9): several centres a class, of which an example comes near to those that it is near to.
//
//   S(x, c) = sum_k softmax_k(cos(x, w_ck) / g) cos(x, w_ck)
//   cross entropy of l (S(x, c) - delta [c is the class of x])  +  tau R
//   R = sum_c sum_{s < t} sqrt(2 - 2 w_cs . w_ct + 1e-5) / (C K (K - 1))       merges centres that a class does not need
//
// The centres are the proxies: K for each class, those of a class in rows next to each other.
//
// Thread-safe.
#ifndef SEMBLANCE_TRAINER_LOSSES_SOFT_TRIPLE_H_
#define SEMBLANCE_TRAINER_LOSSES_SOFT_TRIPLE_H_

#include <cstdint>

#include "trainer/losses/loss.h"

namespace semblance::trainer {

struct SoftTripleOptions {
  // l > 0.
  double scale = 20;
  // g > 0: the smaller, the more the nearest centre counts alone.
  double temperature = 0.1;
  // delta >= 0.
  double margin = 0.01;
  // tau >= 0.
  double regularization = 0.2;
  // 0 to below 1, of the cross entropy.
  double label_smoothing = 0;
};

class SoftTripleLoss final : public Loss {
 public:
  explicit SoftTripleLoss(const SoftTripleOptions& options) : options_(options) {}

  // REQUIRES: the number of proxies is K times that of the classes; batch.proxy_classes is [0 .. 0, 1 .. 1, ...], or undefined
  // where K = 1.
  torch::Tensor Compute(const LossBatch& batch) const override;

 private:
  const SoftTripleOptions options_;
};

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LOSSES_SOFT_TRIPLE_H_
