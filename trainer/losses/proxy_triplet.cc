#include "trainer/losses/proxy_triplet.h"

#include "trainer/losses/similarities.h"

namespace semblance::trainer {

torch::Tensor ProxyTripletLoss::Compute(const LossBatch& batch) const {
  const torch::Tensor distances = 2 - 2 * ProxyCosines(batch);
  const torch::Tensor positive = distances.gather(1, batch.positives.unsqueeze(1));
  const torch::Tensor violations = (positive + margin_ - distances).clamp_min(0);
  return violations.masked_fill(NegativeMask(batch).logical_not(), 0).sum(1).mean();
}

}  // namespace semblance::trainer
