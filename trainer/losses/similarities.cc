#include "trainer/losses/similarities.h"

#include "embedder/torch/networks.h"

namespace semblance::trainer {

torch::Tensor ProxyCosines(const LossBatch& batch) {
  return embedder::NormalizeRows(batch.embeddings).matmul(embedder::NormalizeRows(batch.proxies).t());
}

torch::Tensor PositiveMask(const LossBatch& batch) {
  return torch::arange(batch.proxies.size(0), batch.positives.options()).unsqueeze(0) == batch.positives.unsqueeze(1);
}

torch::Tensor NegativeMask(const LossBatch& batch) {
  torch::Tensor negative = PositiveMask(batch).logical_not();
  if (batch.negatives.defined()) {
    torch::Tensor named = torch::zeros_like(negative);
    named.scatter_(1, batch.negatives, true);
    return negative.logical_and(named);
  }
  if (batch.proxy_classes.defined()) {
    negative = negative.logical_and(batch.proxy_classes.unsqueeze(0) != batch.labels.unsqueeze(1));
  }
  return negative;
}

torch::Tensor PairCosines(const LossBatch& batch) {
  const torch::Tensor unit = embedder::NormalizeRows(batch.embeddings);
  return unit.matmul(unit.t());
}

torch::Tensor SameClassPairs(const torch::Tensor& labels) {
  const torch::Tensor same = labels.unsqueeze(0) == labels.unsqueeze(1);
  return same.logical_and(torch::eye(labels.size(0), same.options()).logical_not());
}

torch::Tensor OtherClassPairs(const torch::Tensor& labels) {
  return labels.unsqueeze(0) != labels.unsqueeze(1);
}

torch::Tensor NothingToLearn(const LossBatch& batch) {
  const torch::Tensor nothing = 0 * batch.embeddings.sum();
  return batch.proxies.defined() ? nothing + 0 * batch.proxies.sum() : nothing;
}

}  // namespace semblance::trainer
