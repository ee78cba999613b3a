#include "trainer/losses/similarities.h"

#include <variant>

#include "embedder/torch/networks.h"

namespace semblance::trainer {

torch::Tensor ProxyCosines(const ProxyBatch& batch) {
  return embedder::NormalizeRows(batch.embeddings).matmul(embedder::NormalizeRows(batch.proxies).t());
}

torch::Tensor PositiveMask(const ProxyBatch& batch) {
  return torch::arange(batch.proxies.size(0), batch.positives.options()).unsqueeze(0) == batch.positives.unsqueeze(1);
}

torch::Tensor NegativeMask(const ProxyBatch& batch) {
  const torch::Tensor not_positive = PositiveMask(batch).logical_not();
  if (const auto* named = std::get_if<NamedProxies>(&batch.negatives)) {
    torch::Tensor is_named = torch::zeros_like(not_positive);
    is_named.scatter_(1, named->rows, true);
    return not_positive.logical_and(is_named);
  }
  if (const auto* classes = std::get_if<ProxiesOfOtherClasses>(&batch.negatives)) {
    return not_positive.logical_and(classes->proxy_classes.unsqueeze(0) != classes->example_classes.unsqueeze(1));
  }
  return not_positive;
}

torch::Tensor PairCosines(const torch::Tensor& embeddings) {
  const torch::Tensor unit = embedder::NormalizeRows(embeddings);
  return unit.matmul(unit.t());
}

torch::Tensor NothingToLearn(const torch::Tensor& embeddings) {
  return 0 * embeddings.sum();
}

}  // namespace semblance::trainer
