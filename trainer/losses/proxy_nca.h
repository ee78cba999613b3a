// The Proxy-NCA loss (Movshovitz-Attias et al., "No Fuss Distance Metric Learning using Proxies", ICCV 2017, arXiv 1703.07464,
// equation 4), and the form that keeps the positive proxy in the denominator (ProxyNCA++, Teh et al., ECCV 2020, arXiv 2004.01113).
//
// Thread-safe.
//
// x is an embedding of length s_x, the proxies p have the length s_p, p(x) is the positive proxy of x, and d is the SQUARED
// Euclidean distance:
//
//   kNegatives:  d(x, p(x)) + log sum_{p != p(x)} exp(-d(x, p))      the paper's form; it can be negative
//   kAll:        d(x, p(x)) + log sum_{p}         exp(-d(x, p))      -log softmax; it is at least 0
//
// Since d = s_x^2 + s_p^2 - 2 s_x s_p cos, both are a softmax over cosines with the scale k = 2 s_x s_p. The default lengths, 3 and
// 3, give k = 18. The lengths of the paper, 1 and 1, give k = 2, with which the loss can hardly change once there are many classes.
//
// Computes one matrix product for each chunk of proxies, and nothing of the size N x P x D (see proxy_softmax.h).
#ifndef SEMBLANCE_TRAINER_LOSSES_PROXY_NCA_H_
#define SEMBLANCE_TRAINER_LOSSES_PROXY_NCA_H_

#include <limits>

#include "embedder/torch/networks.h"
#include "trainer/losses/loss.h"
#include "trainer/losses/proxy_softmax.h"

namespace semblance::trainer {

// loss_config.proto has the defaults: set every field.
struct ProxyNcaOptions {
  enum class Denominator { kNegatives, kAll };

  Denominator denominator;
  // The lengths that embeddings and proxies are scaled to; above 0.
  double embedding_scale;
  double proxy_scale;
  // The part of the positive's weight that is spread evenly over all proxies, from 0 to below 1. Used with kAll only.
  double label_smoothing;
};

class ProxyNcaLoss final : public LossOnProxies {
 public:
  explicit ProxyNcaLoss(const ProxyNcaOptions& options) : options_(options) {}

  torch::Tensor Compute(const ProxyBatch& batch) const override {
    const torch::Tensor unit_embeddings = embedder::NormalizeRows(batch.embeddings);
    // The constant s_x^2 + s_p^2 of the distances cancels in the difference below.
    const double scale = 2 * options_.embedding_scale * options_.proxy_scale;
    if (options_.denominator == ProxyNcaOptions::Denominator::kAll) {
      return SmoothedCrossEntropy(unit_embeddings, batch, scale, options_.label_smoothing);
    }
    const torch::Tensor total = ProxyLogSumExp(unit_embeddings, batch, {.scale = scale, .negatives_only = true});
    const torch::Tensor losses = total - PositiveSimilarities(unit_embeddings, batch, scale);
    // An example without negatives has nothing to teach.
    return losses.masked_fill(total == -std::numeric_limits<float>::infinity(), 0).mean();
  }

 private:
  const ProxyNcaOptions options_;
};

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LOSSES_PROXY_NCA_H_
