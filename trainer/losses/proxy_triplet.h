// The margin triplet loss with proxies as the positive and the negatives (arXiv 1703.07464, equation 3 and section 3.2):
//
//   sum_{p-} [ d(x, p(x)) + M - d(x, p-) ]+
//
// Thread-safe.
#ifndef SEMBLANCE_TRAINER_LOSSES_PROXY_TRIPLET_H_
#define SEMBLANCE_TRAINER_LOSSES_PROXY_TRIPLET_H_

#include "trainer/losses/loss.h"
#include "trainer/losses/similarities.h"

namespace semblance::trainer {

class ProxyTripletLoss final : public LossOnProxies {
 public:
  // M is a squared distance: above 0, at most 4.
  explicit ProxyTripletLoss(double margin) : margin_(margin) {}

  torch::Tensor Compute(const ProxyBatch& batch) const override {
    const torch::Tensor distances = 2 - 2 * ProxyCosines(batch);
    const torch::Tensor positive = distances.gather(1, batch.positives.unsqueeze(1));
    const torch::Tensor violations = (positive + margin_ - distances).clamp_min(0);
    return violations.masked_fill(NegativeMask(batch).logical_not(), 0).sum(1).mean();
  }

  // A proxy that violates no margin gets no gradient.
  bool moves_every_proxy() const override { return false; }

 private:
  const double margin_;
};

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LOSSES_PROXY_TRIPLET_H_
