// Proxy-Anchor (Kim et al., "Proxy Anchor Loss for Deep Metric Learning", CVPR 2020, arXiv 2003.13911, equation 4):
//
//   mean_{p in P+} log(1 + sum_{x: p(x) = p} exp(-a (cos(x, p) - m))) + mean_{p in P} log(1 + sum_{x-} exp(a (cos(x, p) + m)))
//
// P+ are the proxies with a positive in the batch; x- the examples of which p is a negative.
//
// Thread-safe.
#ifndef SEMBLANCE_TRAINER_LOSSES_PROXY_ANCHOR_H_
#define SEMBLANCE_TRAINER_LOSSES_PROXY_ANCHOR_H_

#include "trainer/losses/loss.h"

namespace semblance::trainer {

class ProxyAnchorLoss final : public Loss {
 public:
  // a > 0, m >= 0.
  ProxyAnchorLoss(double scale, double margin) : scale_(scale), margin_(margin) {}

  torch::Tensor Compute(const LossBatch& batch) const override;

 private:
  const double scale_;
  const double margin_;
};

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LOSSES_PROXY_ANCHOR_H_
