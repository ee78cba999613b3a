// The Proxy-NCA loss (Movshovitz-Attias et al., "No Fuss Distance Metric Learning using Proxies", ICCV 2017, arXiv 1703.07464,
// equation 4), and the form that keeps the positive proxy in the denominator (ProxyNCA++, Teh et al., ECCV 2020, arXiv 2004.01113).
//
// Thread-safe: a function without state.
//
// With x an embedding of length s_x, p the proxies, of length s_p, p(y) the one of x's class and d the SQUARED Euclidean distance:
//
//   kNegatives:  d(x, p(y)) + log sum_{p != p(y)} exp(-d(x, p))      the paper's: can be negative
//   kAll:        d(x, p(y)) + log sum_{p}         exp(-d(x, p))      -log softmax: at least 0
//
// Since d = s_x^2 + s_p^2 - 2 s_x s_p cos, both are a softmax over cosines with the scale k = 2 s_x s_p. The default, 3 and 3, is
// k = 18; the paper's letter, 1 and 1, is k = 2, with which the loss can hardly move once there are many classes.
#ifndef SEMBLANCE_TRAINER_PROXY_NCA_H_
#define SEMBLANCE_TRAINER_PROXY_NCA_H_

#include <torch/torch.h>

namespace semblance {

struct ProxyNcaOptions {
  enum class Denominator { kNegatives, kAll };

  Denominator denominator = Denominator::kAll;
  // Lengths that embeddings and proxies are scaled to; above 0.
  double embedding_scale = 3;
  double proxy_scale = 3;
};

// The mean loss over a batch: a scalar, float32, differentiable in embeddings and proxies. `embeddings` [N, D] and `proxies` [C, D]
// may have any length (a zero row stays zero); `labels` [N], int64, are rows of `proxies`. One matrix product; nothing of size
// N x C x D. REQUIRES: N >= 1, C >= 2, labels in [0, C).
torch::Tensor ProxyNcaLoss(const torch::Tensor& embeddings, const torch::Tensor& proxies, const torch::Tensor& labels,
                           const ProxyNcaOptions& options);

}  // namespace semblance

#endif  // SEMBLANCE_TRAINER_PROXY_NCA_H_
