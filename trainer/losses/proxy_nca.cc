#include "trainer/proxy_nca.h"

#include <limits>

#include "embedder/torch/networks.h"

namespace semblance {

torch::Tensor ProxyNcaLoss(const torch::Tensor& embeddings, const torch::Tensor& proxies, const torch::Tensor& labels,
                           const ProxyNcaOptions& options) {
  const double scale = 2 * options.embedding_scale * options.proxy_scale;
  // -d(x, p) up to the constant s_x^2 + s_p^2, which drops out of the difference below.
  const torch::Tensor similarities = scale * NormalizeRows(embeddings).matmul(NormalizeRows(proxies).t());
  const torch::Tensor positive_column = labels.unsqueeze(1);
  const torch::Tensor positives = similarities.gather(1, positive_column).squeeze(1);
  const torch::Tensor denominator = options.denominator == ProxyNcaOptions::Denominator::kAll
                                        ? similarities
                                        : similarities.scatter(1, positive_column, -std::numeric_limits<float>::infinity());
  return (denominator.logsumexp(1) - positives).mean();
}

}  // namespace semblance
