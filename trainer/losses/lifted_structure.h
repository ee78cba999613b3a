// Lifted structured embedding (Song et al., "Deep Metric Learning via Lifted Structured Feature Embedding", CVPR 2016, arXiv
// 1511.06452, equation 4). D is the Euclidean distance (not squared) of the unit vectors:
//
//   J(x, y) = D(x, y) + log( sum_z exp(M - D(x, z)) + sum_z exp(M - D(y, z)) )     z: examples of other classes
//   loss    = 1 / (2 |pairs|) sum of max(0, J(x, y))^2 over the pairs (x, y) of one class
//
// Thread-safe.
#ifndef SEMBLANCE_TRAINER_LOSSES_LIFTED_STRUCTURE_H_
#define SEMBLANCE_TRAINER_LOSSES_LIFTED_STRUCTURE_H_

#include <limits>

#include "trainer/losses/loss.h"
#include "trainer/losses/similarities.h"
#include "trainer/miners/class_pairs.h"

namespace semblance::trainer {

class LiftedStructureLoss final : public LossOnPairs {
 public:
  // M is a distance: above 0, at most 2.
  explicit LiftedStructureLoss(double margin) : margin_(margin) {}

  torch::Tensor Compute(const PairBatch& batch) const override {
    const torch::Tensor pairs = SameClassPairs(batch.labels);
    const torch::Tensor other = OtherClassPairs(batch.labels);
    if (!pairs.any().item<bool>() || !other.any().item<bool>()) {
      return NothingToLearn(batch.embeddings);
    }
    // Adding a small number keeps the gradient of the root finite where two embeddings are equal.
    const torch::Tensor distances = (2 - 2 * PairCosines(batch.embeddings)).clamp_min(0).add(1e-8).sqrt();
    const torch::Tensor around =
        (margin_ - distances).masked_fill(other.logical_not(), -std::numeric_limits<float>::infinity()).logsumexp(1);
    // Two examples of one class have the same others, so both sums are infinite or neither is.
    const torch::Tensor both = torch::logaddexp(around.unsqueeze(0), around.unsqueeze(1));
    return (distances + both).masked_select(pairs).clamp_min(0).square().mean() / 2;
  }

 private:
  const double margin_;
};

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LOSSES_LIFTED_STRUCTURE_H_
