#include "trainer/losses/normalized_softmax.h"

#include "embedder/torch/networks.h"
#include "trainer/losses/proxy_softmax.h"

namespace semblance {

torch::Tensor NormalizedSoftmaxLoss::Compute(const LossBatch& batch) const {
  return SmoothedCrossEntropy(NormalizeRows(batch.embeddings), batch, scale_, label_smoothing_);
}

}  // namespace semblance
