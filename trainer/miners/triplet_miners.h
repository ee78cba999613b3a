// Miners of triplets: they choose which triplets (anchor, positive, negative) of a batch a loss looks at.
//
// Thread-safe: functions without state.
//
// The positive is another example of the anchor's class; the negative is of another class. `distances` is [N, N], the distances
// between the examples of a batch, and `labels` is [N], int64, their classes. Miners compute no gradients: a loss reads the
// distances of the chosen rows itself. A batch without pairs, or of one class, has no triplets.
#ifndef SEMBLANCE_TRAINER_MINERS_TRIPLET_MINERS_H_
#define SEMBLANCE_TRAINER_MINERS_TRIPLET_MINERS_H_

#include <torch/torch.h>

namespace semblance::trainer {

// T triplets, as rows of the batch: [T], int64, each.
struct TripletRows {
  torch::Tensor anchors;
  torch::Tensor positives;
  torch::Tensor negatives;
};

// `margin` is that of the loss, in the unit of the distances.
using TripletMiner = TripletRows (*)(const torch::Tensor& distances, const torch::Tensor& labels, double margin);

// For each pair (anchor, positive): the negative nearest to the anchor among those farther away than the positive. Where all
// negatives are nearer than the positive, the farthest of them (Schroff et al., "FaceNet", CVPR 2015, arXiv 1503.03832).
TripletRows SemiHardTriplets(const torch::Tensor& distances, const torch::Tensor& labels, double margin);

// For each anchor: the farthest positive and the nearest negative (Hermans et al., arXiv 1703.07737).
TripletRows HardTriplets(const torch::Tensor& distances, const torch::Tensor& labels, double margin);

// All triplets that violate the margin: d(anchor, positive) + margin > d(anchor, negative).
TripletRows ViolatingTriplets(const torch::Tensor& distances, const torch::Tensor& labels, double margin);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_MINERS_TRIPLET_MINERS_H_
