// The margin triplet loss over the triplets that a miner finds in a batch:
//
//   mean of [ d(x, y) + M - d(x, z) ]+     y of the class of x, z of another one
//
// Thread-safe.
#ifndef SEMBLANCE_TRAINER_LOSSES_TRIPLET_H_
#define SEMBLANCE_TRAINER_LOSSES_TRIPLET_H_

#include "trainer/losses/loss.h"
#include "trainer/losses/similarities.h"
#include "trainer/miners/triplet_miners.h"

namespace semblance::trainer {

class TripletLoss final : public LossOnPairs {
 public:
  // M is a squared distance, above 0.
  TripletLoss(TripletMiner miner, double margin) : miner_(miner), margin_(margin) {}

  torch::Tensor Compute(const PairBatch& batch) const override {
    const torch::Tensor distances = 2 - 2 * PairCosines(batch.embeddings);
    const TripletRows triplets = miner_(distances, batch.labels, margin_);
    if (triplets.anchors.size(0) == 0) {
      return NothingToLearn(batch.embeddings);
    }
    const auto distances_to = [&](const torch::Tensor& rows) {
      return distances.flatten().index_select(0, triplets.anchors * distances.size(1) + rows);
    };
    return (distances_to(triplets.positives) - distances_to(triplets.negatives) + margin_).clamp_min(0).mean();
  }

 private:
  const TripletMiner miner_;
  const double margin_;
};

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LOSSES_TRIPLET_H_
