// Normalized softmax (Zhai and Wu, "Classification is a Strong Baseline for Deep Metric Learning", BMVC 2019, arXiv 1811.12649):
//
//   -log softmax over proxies of cos(x, p) / t
//
// It equals Proxy-NCA with the positive in the denominator and k = 1 / t, under the name and with the parameter of its own paper.
//
// Thread-safe.
#ifndef SEMBLANCE_TRAINER_LOSSES_NORMALIZED_SOFTMAX_H_
#define SEMBLANCE_TRAINER_LOSSES_NORMALIZED_SOFTMAX_H_

#include "embedder/torch/networks.h"
#include "trainer/losses/loss.h"
#include "trainer/losses/proxy_softmax.h"

namespace semblance::trainer {

class NormalizedSoftmaxLoss final : public LossOnProxies {
 public:
  // REQUIRES: t > 0; label_smoothing from 0 to below 1.
  NormalizedSoftmaxLoss(double temperature, double label_smoothing) : scale_(1 / temperature), label_smoothing_(label_smoothing) {}

  torch::Tensor Compute(const ProxyBatch& batch) const override {
    return SmoothedCrossEntropy(embedder::NormalizeRows(batch.embeddings), batch, scale_, label_smoothing_);
  }

 private:
  const double scale_;
  const double label_smoothing_;
};

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LOSSES_NORMALIZED_SOFTMAX_H_
