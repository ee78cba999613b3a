#include "trainer/losses/lifted_structure.h"

#include <limits>

#include "trainer/losses/similarities.h"

namespace semblance::trainer {

torch::Tensor LiftedStructureLoss::Compute(const LossBatch& batch) const {
  const torch::Tensor pairs = SameClassPairs(batch.labels);
  const torch::Tensor other = OtherClassPairs(batch.labels);
  if (!pairs.any().item<bool>() || !other.any().item<bool>()) {
    return NothingToLearn(batch);
  }
  // The addend keeps the gradient of the root finite where two examples meet.
  const torch::Tensor distances = (2 - 2 * PairCosines(batch)).clamp_min(0).add(1e-8).sqrt();
  const torch::Tensor around =
      (margin_ - distances).masked_fill(other.logical_not(), -std::numeric_limits<float>::infinity()).logsumexp(1);
  // Two examples of one class have the same others: both sums are infinite or neither is.
  const torch::Tensor both = torch::logaddexp(around.unsqueeze(0), around.unsqueeze(1));
  const torch::Tensor terms = (distances + both).masked_select(pairs).clamp_min(0);
  return terms.square().mean() / 2;
}

}  // namespace semblance::trainer
