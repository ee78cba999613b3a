#include "trainer/miners/triplet_miners.h"

#include <limits>

#include "trainer/miners/class_pairs.h"

namespace semblance::trainer {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// A row for each pair (anchor, positive).
struct AnchorPairs {
  torch::Tensor anchors;      // [Q]
  torch::Tensor positives;    // [Q]
  torch::Tensor to_positive;  // [Q, 1]
  torch::Tensor to_all;       // [Q, N]: the distances from the anchor to every example
  torch::Tensor is_negative;  // [Q, N]
};

AnchorPairs PairsOf(const torch::Tensor& distances, const torch::Tensor& labels) {
  const torch::Tensor pairs = SameClassPairs(labels).nonzero();
  AnchorPairs result;
  result.anchors = pairs.select(1, 0);
  result.positives = pairs.select(1, 1);
  result.to_all = distances.index_select(0, result.anchors);
  result.to_positive = result.to_all.gather(1, result.positives.unsqueeze(1));
  result.is_negative = OtherClassPairs(labels).index_select(0, result.anchors);
  return result;
}

TripletRows Select(const TripletRows& triplets, const torch::Tensor& is_kept) {
  return {triplets.anchors.masked_select(is_kept), triplets.positives.masked_select(is_kept),
          triplets.negatives.masked_select(is_kept)};
}

}  // namespace

TripletRows SemiHardTriplets(const torch::Tensor& distances, const torch::Tensor& labels, double /*margin*/) {
  const torch::NoGradGuard no_grad;
  const AnchorPairs pairs = PairsOf(distances, labels);
  const torch::Tensor is_beyond = pairs.is_negative.logical_and(pairs.to_all > pairs.to_positive);
  const torch::Tensor nearest_beyond = pairs.to_all.masked_fill(is_beyond.logical_not(), kInfinity).argmin(1);
  const torch::Tensor farthest = pairs.to_all.masked_fill(pairs.is_negative.logical_not(), -kInfinity).argmax(1);
  const torch::Tensor negatives = torch::where(is_beyond.any(1), nearest_beyond, farthest);
  return Select({pairs.anchors, pairs.positives, negatives}, pairs.is_negative.any(1));
}

TripletRows HardTriplets(const torch::Tensor& distances, const torch::Tensor& labels, double /*margin*/) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor same = SameClassPairs(labels);
  const torch::Tensor other = OtherClassPairs(labels);
  const torch::Tensor farthest_same = distances.masked_fill(same.logical_not(), -kInfinity).argmax(1);
  const torch::Tensor nearest_other = distances.masked_fill(other.logical_not(), kInfinity).argmin(1);
  const torch::Tensor anchors = torch::arange(labels.size(0), labels.options());
  return Select({anchors, farthest_same, nearest_other}, same.any(1).logical_and(other.any(1)));
}

TripletRows ViolatingTriplets(const torch::Tensor& distances, const torch::Tensor& labels, double margin) {
  const torch::NoGradGuard no_grad;
  const AnchorPairs pairs = PairsOf(distances, labels);
  const torch::Tensor violates = pairs.is_negative.logical_and(pairs.to_positive - pairs.to_all + margin > 0);
  const torch::Tensor chosen = violates.nonzero();
  const torch::Tensor rows = chosen.select(1, 0);
  return {pairs.anchors.index_select(0, rows), pairs.positives.index_select(0, rows), chosen.select(1, 1)};
}

}  // namespace semblance::trainer
