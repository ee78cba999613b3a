// The multi-class N-pair loss (Sohn, "Improved Deep Metric Learning with Multi-class N-pair Loss Objective", NIPS 2016, equation
// 6), on cosines:
//
//   mean_i log(1 + sum_j exp(s cos(x_i, y_j) - s cos(x_i, y_i)))     j over the pairs of other classes
//
// (x_i, y_i) are disjoint pairs of one class, in the order of the batch. The paper leaves embeddings unnormalised and regularises
// their lengths; what is served is normalised, and so is this: s takes the place of the lengths.
//
// Thread-safe.
#ifndef SEMBLANCE_TRAINER_LOSSES_N_PAIRS_H_
#define SEMBLANCE_TRAINER_LOSSES_N_PAIRS_H_

#include "trainer/losses/loss.h"

namespace semblance::trainer {

class NPairsLoss final : public Loss {
 public:
  // s > 0.
  explicit NPairsLoss(double scale) : scale_(scale) {}

  torch::Tensor Compute(const LossBatch& batch) const override;
  bool uses_proxies() const override { return false; }

 private:
  const double scale_;
};

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LOSSES_N_PAIRS_H_
