#include "trainer/losses/proxy_anchor.h"

#include <limits>

#include "trainer/losses/similarities.h"

namespace semblance::trainer {
namespace {

// By proxy: log(1 + the sum over the examples of the mask).
torch::Tensor LogOnePlusSum(const torch::Tensor& exponents, const torch::Tensor& mask) {
  const torch::Tensor counted = exponents.masked_fill(mask.logical_not(), -std::numeric_limits<float>::infinity());
  const torch::Tensor one = torch::zeros({1, exponents.size(1)}, exponents.options());
  return torch::cat({one, counted}).logsumexp(0);
}

}  // namespace

torch::Tensor ProxyAnchorLoss::Compute(const LossBatch& batch) const {
  const torch::Tensor cosines = ProxyCosines(batch);
  const torch::Tensor positive = PositiveMask(batch);
  const torch::Tensor with_positives = positive.any(0).sum();  // At least one: every example has a positive.
  const torch::Tensor pull = LogOnePlusSum(-scale_ * (cosines - margin_), positive).sum() / with_positives;
  const torch::Tensor push = LogOnePlusSum(scale_ * (cosines + margin_), NegativeMask(batch)).mean();
  return pull + push;
}

}  // namespace semblance::trainer
