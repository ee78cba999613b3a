#include "trainer/losses/proxy_nca.h"

#include <limits>

#include "embedder/torch/networks.h"
#include "trainer/losses/proxy_softmax.h"

namespace semblance::trainer {

torch::Tensor ProxyNcaLoss::Compute(const LossBatch& batch) const {
  const torch::Tensor unit_embeddings = embedder::NormalizeRows(batch.embeddings);
  // d(x, p) up to the constant s_x^2 + s_p^2, which drops out of the difference below.
  const double scale = 2 * options_.embedding_scale * options_.proxy_scale;
  if (options_.denominator == ProxyNcaOptions::Denominator::kAll) {
    return SmoothedCrossEntropy(unit_embeddings, batch, scale, options_.label_smoothing);
  }
  const torch::Tensor total = ProxyLogSumExp(unit_embeddings, batch, {.scale = scale, .negatives_only = true});
  const torch::Tensor losses = total - PositiveSimilarities(unit_embeddings, batch, scale);
  // An example without negatives says nothing.
  return losses.masked_fill(total < std::numeric_limits<float>::lowest() / 1e10F, 0).mean();
}

}  // namespace semblance::trainer
