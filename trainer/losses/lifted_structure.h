// Lifted structured embedding (Song et al., "Deep Metric Learning via Lifted Structured Feature Embedding", CVPR 2016, arXiv
// 1511.06452, equation 4), with D the Euclidean distance (not squared) of the unit vectors:
//
//   J(x, y) = D(x, y) + log( sum_z exp(M - D(x, z)) + sum_z exp(M - D(y, z)) )     z of other classes than x and y
//   1 / (2 |pairs|) sum over the pairs (x, y) of one class of max(0, J)^2
//
// Thread-safe.
#ifndef SEMBLANCE_TRAINER_LOSSES_LIFTED_STRUCTURE_H_
#define SEMBLANCE_TRAINER_LOSSES_LIFTED_STRUCTURE_H_

#include "trainer/losses/loss.h"

namespace semblance::trainer {

class LiftedStructureLoss final : public Loss {
 public:
  // M > 0, in distance: of 2 at most.
  explicit LiftedStructureLoss(double margin) : margin_(margin) {}

  torch::Tensor Compute(const LossBatch& batch) const override;
  bool uses_proxies() const override { return false; }

 private:
  const double margin_;
};

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LOSSES_LIFTED_STRUCTURE_H_
