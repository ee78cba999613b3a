// The margin triplet loss with proxies in place of the positive and the negatives (arXiv 1703.07464, equation 3 and section 3.2):
//
//   sum_{p-} [ d(x, p(x)) + M - d(x, p-) ]+
//
// Thread-safe.
#ifndef SEMBLANCE_TRAINER_LOSSES_PROXY_TRIPLET_H_
#define SEMBLANCE_TRAINER_LOSSES_PROXY_TRIPLET_H_

#include "trainer/losses/loss.h"

namespace semblance::trainer {

class ProxyTripletLoss final : public Loss {
 public:
  // M > 0, in squared distance: of 4 at most.
  explicit ProxyTripletLoss(double margin) : margin_(margin) {}

  torch::Tensor Compute(const LossBatch& batch) const override;
  bool moves_every_proxy() const override { return false; }

 private:
  const double margin_;
};

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LOSSES_PROXY_TRIPLET_H_
