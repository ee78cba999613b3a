// The margin triplet loss over the triplets of a batch, with mining (Schroff et al., "FaceNet", CVPR 2015, arXiv 1503.03832):
//
//   mean of [ d(x, y) + M - d(x, z) ]+     y of the class of x, z of another one
//
//   kSemiHard  for each pair (x, y) the z nearest to x of those beyond y; where there is none, the z farthest from x
//   kHard      for each x its farthest y and its nearest z (Hermans et al., arXiv 1703.07737)
//   kAll       all triplets whose term is above 0
//
// Where the batch has triplets in place of labels, they are all that there are, as with kAll.
//
// Thread-safe.
#ifndef SEMBLANCE_TRAINER_LOSSES_TRIPLET_H_
#define SEMBLANCE_TRAINER_LOSSES_TRIPLET_H_

#include "trainer/losses/loss.h"

namespace semblance::trainer {

class TripletLoss final : public Loss {
 public:
  enum class Mining { kSemiHard, kHard, kAll };

  // M > 0, in squared distance.
  TripletLoss(Mining mining, double margin) : mining_(mining), margin_(margin) {}

  torch::Tensor Compute(const LossBatch& batch) const override;
  bool uses_proxies() const override { return false; }

 private:
  const Mining mining_;
  const double margin_;
};

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LOSSES_TRIPLET_H_
