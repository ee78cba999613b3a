// The margin triplet loss over the triplets that the training data gives:
//
//   mean of [ d(x, y) + M - d(x, z) ]+ over the triplets (x, y, z) whose term is above 0
//
// Thread-safe.
#ifndef SEMBLANCE_TRAINER_LOSSES_GIVEN_TRIPLETS_H_
#define SEMBLANCE_TRAINER_LOSSES_GIVEN_TRIPLETS_H_

#include "embedder/torch/networks.h"
#include "trainer/losses/loss.h"

namespace semblance::trainer {

class GivenTripletLoss final : public LossOnTriplets {
 public:
  // M is a squared distance, above 0.
  explicit GivenTripletLoss(double margin) : margin_(margin) {}

  torch::Tensor Compute(const TripletBatch& batch) const override {
    const torch::Tensor anchors = embedder::NormalizeRows(batch.anchors);
    const torch::Tensor positives = embedder::NormalizeRows(batch.positives);
    const torch::Tensor negatives = embedder::NormalizeRows(batch.negatives);
    // d(x, y) - d(x, z) = 2 x . (z - y)
    const torch::Tensor violations = (2 * (anchors * (negatives - positives)).sum(1) + margin_).clamp_min(0);
    return violations.sum() / (violations > 0).sum().clamp_min(1);
  }

 private:
  const double margin_;
};

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LOSSES_GIVEN_TRIPLETS_H_
