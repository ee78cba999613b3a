#include "trainer/losses/normalized_softmax.h"

#include "embedder/torch/networks.h"
#include "trainer/losses/proxy_softmax.h"

namespace semblance::trainer {

torch::Tensor NormalizedSoftmaxLoss::Compute(const LossBatch& batch) const {
  return SmoothedCrossEntropy(embedder::NormalizeRows(batch.embeddings), batch, scale_, label_smoothing_);
}

}  // namespace semblance::trainer
