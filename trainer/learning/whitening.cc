#include "trainer/learning/whitening.h"

namespace semblance::trainer {

WhiteningTransform FitWhitening(const torch::Tensor& embeddings, double power) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor rows = embeddings.to(torch::kFloat64);
  const torch::Tensor mean = rows.mean(0);
  const torch::Tensor centered = rows - mean;
  const torch::Tensor covariance = centered.t().matmul(centered) / rows.size(0);
  const auto [eigenvalues, axes] = torch::linalg_eigh(covariance);
  constexpr double kSmallestShare = 1e-6;
  // The addend is for embeddings that are all equal: no division by zero.
  const torch::Tensor variances = eigenvalues.clamp_min(kSmallestShare * eigenvalues.max().item<double>() + 1e-12);
  const torch::Tensor matrix = axes.matmul(torch::diag(variances.pow(-power))).matmul(axes.t());
  return {matrix.to(torch::kFloat32), -matrix.matmul(mean).to(torch::kFloat32)};
}

void ApplyToHead(const WhiteningTransform& map, const embedder::EmbeddingNet& net) {
  const torch::NoGradGuard no_grad;
  const auto parameters = net->named_parameters();
  torch::Tensor weight = parameters["head.weight"];
  torch::Tensor bias = parameters["head.bias"];
  weight.copy_(map.matrix.to(weight.device()).matmul(weight));
  bias.copy_(map.Apply(bias.to(torch::kCPU).unsqueeze(0)).squeeze(0));
}

}  // namespace semblance::trainer
