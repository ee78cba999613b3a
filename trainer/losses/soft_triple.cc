#include "trainer/losses/soft_triple.h"

#include "embedder/torch/networks.h"

namespace semblance::trainer {
namespace {

// The mean length of the edges between the centres of a class, over both directions.
torch::Tensor Spread(const torch::Tensor& centers) {
  const int64_t classes = centers.size(0);
  const int64_t count = centers.size(1);
  const torch::Tensor lengths = (2 - 2 * centers.matmul(centers.transpose(1, 2)) + 1e-5).clamp_min(1e-5).sqrt();
  return lengths.triu(1).sum() / static_cast<double>(classes * count * (count - 1));
}

}  // namespace

torch::Tensor SoftTripleLoss::Compute(const LossBatch& batch) const {
  const int64_t proxies = batch.proxies.size(0);
  const int64_t classes = batch.proxy_classes.defined() ? batch.proxy_classes[-1].item<int64_t>() + 1 : proxies;
  const torch::Tensor centers = embedder::NormalizeRows(batch.proxies);
  const torch::Tensor cosines =
      embedder::NormalizeRows(batch.embeddings).matmul(centers.t()).view({batch.embeddings.size(0), classes, proxies / classes});
  const torch::Tensor similarities = ((cosines / options_.temperature).softmax(2) * cosines).sum(2);
  const torch::Tensor margins = options_.margin * torch::one_hot(batch.labels, classes);
  torch::Tensor loss = torch::nn::functional::cross_entropy(
      options_.scale * (similarities - margins), batch.labels,
      torch::nn::functional::CrossEntropyFuncOptions().label_smoothing(options_.label_smoothing));
  if (proxies == classes || options_.regularization == 0) {
    return loss;
  }
  return loss + options_.regularization * Spread(centers.view({classes, proxies / classes, -1}));
}

}  // namespace semblance::trainer
