// Proxy-Anchor (Kim et al., "Proxy Anchor Loss for Deep Metric Learning", CVPR 2020, arXiv 2003.13911, equation 4):
//
//   mean_{p in P+} log(1 + sum_{x: p(x) = p} exp(-a (cos(x, p) - m))) + mean_{p in P} log(1 + sum_{x-} exp(a (cos(x, p) + m)))
//
// P+ are the proxies with a positive example in the batch; x- are the examples that p is a negative of.
//
// Thread-safe.
#ifndef SEMBLANCE_TRAINER_LOSSES_PROXY_ANCHOR_H_
#define SEMBLANCE_TRAINER_LOSSES_PROXY_ANCHOR_H_

#include <limits>

#include "trainer/losses/loss.h"
#include "trainer/losses/similarities.h"

namespace semblance::trainer {

class ProxyAnchorLoss final : public LossOnProxies {
 public:
  // REQUIRES: a > 0; m >= 0.
  ProxyAnchorLoss(double scale, double margin) : scale_(scale), margin_(margin) {}

  torch::Tensor Compute(const ProxyBatch& batch) const override {
    const torch::Tensor cosines = ProxyCosines(batch);
    const torch::Tensor positive = PositiveMask(batch);
    const torch::Tensor with_positives = positive.any(0).sum();  // At least one, because every example has a positive.
    const torch::Tensor pull = LogOnePlusSum(-scale_ * (cosines - margin_), positive).sum() / with_positives;
    const torch::Tensor push = LogOnePlusSum(scale_ * (cosines + margin_), NegativeMask(batch)).mean();
    return pull + push;
  }

 private:
  // For each proxy: log(1 + the sum of exp(exponents) over the examples where the mask is true). [P].
  static torch::Tensor LogOnePlusSum(const torch::Tensor& exponents, const torch::Tensor& mask) {
    const torch::Tensor counted = exponents.masked_fill(mask.logical_not(), -std::numeric_limits<float>::infinity());
    const torch::Tensor one = torch::zeros({1, exponents.size(1)}, exponents.options());
    return torch::cat({one, counted}).logsumexp(0);
  }

  const double scale_;
  const double margin_;
};

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LOSSES_PROXY_ANCHOR_H_
