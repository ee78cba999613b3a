// SoftTriple (Qian et al., "SoftTriple Loss: Deep Metric Learning Without Triplet Sampling", ICCV 2019, arXiv 1909.05235,
// equations 6 to 9). Each class has several centers, and an example is pulled towards the centers of its class that are near it:
//
//   S(x, c) = sum_k softmax_k(cos(x, w_ck) / g) cos(x, w_ck)
//   loss    = cross entropy of l (S(x, c) - delta [c is the class of x])  +  tau R
//   R       = sum_c sum_{s < t} sqrt(2 - 2 w_cs . w_ct + 1e-5) / (C K (K - 1))       merges centers that a class does not need
//
// The centers are the proxies: K for each class, and those of one class are in adjacent rows.
//
// Thread-safe.
#ifndef SEMBLANCE_TRAINER_LOSSES_SOFT_TRIPLE_H_
#define SEMBLANCE_TRAINER_LOSSES_SOFT_TRIPLE_H_

#include <cstdint>
#include <variant>

#include "embedder/torch/networks.h"
#include "trainer/losses/loss.h"

namespace semblance::trainer {

// loss_config.proto has the defaults: set every field.
struct SoftTripleOptions {
  // l > 0.
  double scale;
  // g > 0. The smaller it is, the more only the nearest center counts.
  double temperature;
  // delta >= 0.
  double margin;
  // tau >= 0.
  double regularization;
  // From 0 to below 1, for the cross entropy.
  double label_smoothing;
};

class SoftTripleLoss final : public LossOnProxies {
 public:
  explicit SoftTripleLoss(const SoftTripleOptions& options) : options_(options) {}

  // REQUIRES: batch.negatives is ProxiesOfOtherClasses whose proxy_classes are [0 .. 0, 1 .. 1, ...], K of each; or it is
  // AllOtherProxies, and then every class has one center (K = 1).
  torch::Tensor Compute(const ProxyBatch& batch) const override {
    const auto* const several = std::get_if<ProxiesOfOtherClasses>(&batch.negatives);
    const int64_t proxies = batch.proxies.size(0);
    const int64_t classes = several == nullptr ? proxies : several->proxy_classes[-1].item<int64_t>() + 1;
    const torch::Tensor& labels = several == nullptr ? batch.positives : several->example_classes;
    const torch::Tensor centers = embedder::NormalizeRows(batch.proxies);
    const torch::Tensor cosines =
        embedder::NormalizeRows(batch.embeddings).matmul(centers.t()).view({batch.embeddings.size(0), classes, proxies / classes});
    const torch::Tensor similarities = ((cosines / options_.temperature).softmax(2) * cosines).sum(2);
    const torch::Tensor margins = options_.margin * torch::one_hot(labels, classes);
    torch::Tensor loss = torch::nn::functional::cross_entropy(
        options_.scale * (similarities - margins), labels,
        torch::nn::functional::CrossEntropyFuncOptions().label_smoothing(options_.label_smoothing));
    if (proxies == classes || options_.regularization == 0) {
      return loss;
    }
    return loss + options_.regularization * Spread(centers.view({classes, proxies / classes, -1}));
  }

 private:
  // R above. `centers` is [C, K, D].
  static torch::Tensor Spread(const torch::Tensor& centers) {
    const int64_t classes = centers.size(0);
    const int64_t count = centers.size(1);
    const torch::Tensor lengths = (2 - 2 * centers.matmul(centers.transpose(1, 2)) + 1e-5).clamp_min(1e-5).sqrt();
    return lengths.triu(1).sum() / static_cast<double>(classes * count * (count - 1));
  }

  const SoftTripleOptions options_;
};

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LOSSES_SOFT_TRIPLE_H_
