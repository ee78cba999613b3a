#include "trainer/proxies/nca_bound.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "trainer/miners/class_pairs.h"

namespace semblance::trainer {
namespace {

// log sum exp over the negatives: [N].
torch::Tensor OverNegatives(const torch::Tensor& exponents, const torch::Tensor& negatives) {
  return exponents.masked_fill(negatives.logical_not(), -std::numeric_limits<float>::infinity()).logsumexp(1);
}

}  // namespace

void NcaBound::Add(const NcaBound& other) {
  nca += other.nca;
  bound += other.bound;
  anchors += other.anchors;
  epsilon = std::max(epsilon, other.epsilon);
}

NcaBound MeasureNcaBound(const NcaBoundInputs& inputs, double embedding_scale, double proxy_scale) {
  const torch::NoGradGuard no_grad;
  NcaBound result;
  result.epsilon = std::max(0.0, (1 - (inputs.embeddings * inputs.proxies).sum(1)).max().item<double>());
  const torch::Tensor same = SameClassPairs(inputs.labels);
  const torch::Tensor other = OtherClassPairs(inputs.labels);
  const torch::Tensor complete = same.any(1).logical_and(other.any(1)).nonzero().squeeze(1);
  result.anchors = complete.size(0);
  if (result.anchors == 0) {
    return result;
  }
  const torch::Tensor negatives = other.index_select(0, complete);
  const torch::Tensor positive = same.index_select(0, complete).to(torch::kInt64).argmax(1, /*keepdim=*/true);
  const torch::Tensor anchors = inputs.embeddings.index_select(0, complete);
  const torch::Tensor cosines = anchors.matmul(inputs.embeddings.t());
  const torch::Tensor proxy_cosines = anchors.matmul(inputs.proxies.t());
  const double product = embedding_scale * proxy_scale;
  // The constants of the distances cancel in both.
  const torch::Tensor nca = OverNegatives(2 * cosines, negatives) - 2 * cosines.gather(1, positive).squeeze(1);
  const torch::Tensor proxy_nca =
      OverNegatives(2 * product * proxy_cosines, negatives) / product - 2 * proxy_cosines.gather(1, positive).squeeze(1);
  const torch::Tensor slack = (1 - 1 / product) * negatives.sum(1).to(torch::kFloat32).log();
  result.nca = nca.sum().item<double>();
  result.bound = (proxy_nca + slack).sum().item<double>() + static_cast<double>(result.anchors) * 4 * std::sqrt(2 * result.epsilon);
  return result;
}

}  // namespace semblance::trainer
