// The multi-class N-pair loss (Sohn, "Improved Deep Metric Learning with Multi-class N-pair Loss Objective", NIPS 2016, equation
// 6), on cosines:
//
//   mean_i log(1 + sum_j exp(s cos(x_i, y_j) - s cos(x_i, y_i)))     j: the pairs of other classes
//
// The pairs (x_i, y_i) are those of DisjointPairs. The paper does not normalize embeddings, and regularizes their lengths instead.
// The server normalizes embeddings, so this loss does too; the scale s replaces the lengths.
//
// Thread-safe.
#ifndef SEMBLANCE_TRAINER_LOSSES_N_PAIRS_H_
#define SEMBLANCE_TRAINER_LOSSES_N_PAIRS_H_

#include <limits>

#include "embedder/torch/networks.h"
#include "trainer/losses/loss.h"
#include "trainer/losses/similarities.h"
#include "trainer/miners/class_pairs.h"

namespace semblance::trainer {

class NPairsLoss final : public LossOnPairs {
 public:
  // REQUIRES: s > 0.
  explicit NPairsLoss(double scale) : scale_(scale) {}

  torch::Tensor Compute(const PairBatch& batch) const override {
    const PairRows pairs = DisjointPairs(batch.labels);
    if (pairs.first.size(0) == 0) {
      return NothingToLearn(batch.embeddings);
    }
    const torch::Tensor unit = embedder::NormalizeRows(batch.embeddings);
    const torch::Tensor similarities = scale_ * unit.index_select(0, pairs.first).matmul(unit.index_select(0, pairs.second).t());
    // Another pair of the same class is neither a positive nor a negative.
    const torch::Tensor ignored = SameClassPairs(batch.labels.index_select(0, pairs.first));
    const torch::Tensor counted = similarities.masked_fill(ignored, -std::numeric_limits<float>::infinity());
    return (counted.logsumexp(1) - similarities.diagonal()).mean();
  }

 private:
  const double scale_;
};

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LOSSES_N_PAIRS_H_
