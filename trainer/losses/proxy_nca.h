// The Proxy-NCA loss (Movshovitz-Attias et al., "No Fuss Distance Metric Learning using Proxies", ICCV 2017, arXiv 1703.07464,
// equation 4), and the form that keeps the positive proxy in the denominator (ProxyNCA++, Teh et al., ECCV 2020, arXiv 2004.01113).
//
// Thread-safe.
//
// With x an embedding of length s_x, p the proxies, of length s_p, p(x) the positive one and d the SQUARED Euclidean distance:
//
//   kNegatives:  d(x, p(x)) + log sum_{p != p(x)} exp(-d(x, p))      the paper's: can be negative
//   kAll:        d(x, p(x)) + log sum_{p}         exp(-d(x, p))      -log softmax: at least 0
//
// Since d = s_x^2 + s_p^2 - 2 s_x s_p cos, both are a softmax over cosines with the scale k = 2 s_x s_p. The default, 3 and 3, is
// k = 18; the paper's letter, 1 and 1, is k = 2, with which the loss can hardly move once there are many classes.
//
// One matrix product for each chunk of proxies; nothing of size N x P x D (see proxy_softmax.h).
#ifndef SEMBLANCE_TRAINER_LOSSES_PROXY_NCA_H_
#define SEMBLANCE_TRAINER_LOSSES_PROXY_NCA_H_

#include <cstdint>

#include "trainer/losses/loss.h"

namespace semblance::trainer {

struct ProxyNcaOptions {
  enum class Denominator { kNegatives, kAll };

  Denominator denominator = Denominator::kAll;
  // Lengths that embeddings and proxies are scaled to; above 0.
  double embedding_scale = 3;
  double proxy_scale = 3;
  // Of kAll: a part of the positive's weight that is spread evenly over all proxies; 0 to below 1.
  double label_smoothing = 0;
};

class ProxyNcaLoss final : public Loss {
 public:
  explicit ProxyNcaLoss(const ProxyNcaOptions& options) : options_(options) {}

  torch::Tensor Compute(const LossBatch& batch) const override;

 private:
  const ProxyNcaOptions options_;
};

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LOSSES_PROXY_NCA_H_
