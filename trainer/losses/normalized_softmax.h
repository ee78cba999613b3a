// Normalised softmax (Zhai and Wu, "Classification is a Strong Baseline for Deep Metric Learning", BMVC 2019, arXiv 1811.12649):
//
//   -log softmax over proxies of cos(x, p) / t
//
// The same as Proxy-NCA with the positive in the denominator and k = 1 / t, under the name and the unit of its own paper.
//
// Thread-safe.
#ifndef SEMBLANCE_TRAINER_LOSSES_NORMALIZED_SOFTMAX_H_
#define SEMBLANCE_TRAINER_LOSSES_NORMALIZED_SOFTMAX_H_

#include "trainer/losses/loss.h"

namespace semblance::trainer {

class NormalizedSoftmaxLoss final : public Loss {
 public:
  // t > 0; smoothing from 0 to below 1.
  NormalizedSoftmaxLoss(double temperature, double label_smoothing) : scale_(1 / temperature), label_smoothing_(label_smoothing) {}

  torch::Tensor Compute(const LossBatch& batch) const override;

 private:
  const double scale_;
  const double label_smoothing_;
};

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LOSSES_NORMALIZED_SOFTMAX_H_
