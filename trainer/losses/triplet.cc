#include "trainer/losses/triplet.h"

#include <limits>
#include <tuple>

#include "embedder/torch/networks.h"
#include "trainer/losses/similarities.h"

namespace semblance::trainer {
namespace {

constexpr float kFar = std::numeric_limits<float>::infinity();

struct Pairs {
  torch::Tensor distances;  // [N, N]
  torch::Tensor same;       // [N, N]
  torch::Tensor other;      // [N, N]
};

// The terms of the chosen triplets, before the hinge.
torch::Tensor SemiHard(const Pairs& pairs) {
  // [pairs, N]: the distances of x to all z, a row for each (x, y).
  const torch::Tensor anchors = pairs.same.nonzero().select(1, 0);
  const torch::Tensor to_positive = pairs.distances.masked_select(pairs.same);
  const torch::Tensor to_others = pairs.distances.index_select(0, anchors);
  const torch::Tensor is_other = pairs.other.index_select(0, anchors);
  const torch::Tensor beyond = is_other.logical_and(to_others > to_positive.unsqueeze(1));
  const torch::Tensor nearest_beyond = std::get<0>(to_others.masked_fill(beyond.logical_not(), kFar).min(1));
  const torch::Tensor farthest = std::get<0>(to_others.masked_fill(is_other.logical_not(), -kFar).max(1));
  return to_positive - torch::where(beyond.any(1), nearest_beyond, farthest);
}

torch::Tensor Hard(const Pairs& pairs) {
  const torch::Tensor farthest_same = std::get<0>(pairs.distances.masked_fill(pairs.same.logical_not(), -kFar).max(1));
  const torch::Tensor nearest_other = std::get<0>(pairs.distances.masked_fill(pairs.other.logical_not(), kFar).min(1));
  const torch::Tensor complete = pairs.same.any(1).logical_and(pairs.other.any(1));
  return (farthest_same - nearest_other).masked_select(complete);
}

torch::Tensor All(const Pairs& pairs) {
  const torch::Tensor terms = pairs.distances.unsqueeze(2) - pairs.distances.unsqueeze(1);
  return terms.masked_select(pairs.same.unsqueeze(2).logical_and(pairs.other.unsqueeze(1)));
}

torch::Tensor Given(const LossBatch& batch) {
  const torch::Tensor anchors = embedder::NormalizeRows(batch.embeddings);
  return 2 *
         (anchors * (embedder::NormalizeRows(batch.negative_examples) - embedder::NormalizeRows(batch.positive_examples))).sum(1);
}

torch::Tensor MeanViolation(const torch::Tensor& terms, double margin) {
  const torch::Tensor violations = (terms + margin).clamp_min(0);
  return violations.sum() / (violations > 0).sum().clamp_min(1);
}

}  // namespace

torch::Tensor TripletLoss::Compute(const LossBatch& batch) const {
  if (batch.positive_examples.defined()) {
    return MeanViolation(Given(batch), margin_);
  }
  const Pairs pairs = {2 - 2 * PairCosines(batch), SameClassPairs(batch.labels), OtherClassPairs(batch.labels)};
  if (!pairs.same.any().item<bool>() || !pairs.other.any().item<bool>()) {
    return NothingToLearn(batch);
  }
  switch (mining_) {
    case Mining::kSemiHard:
      return (SemiHard(pairs) + margin_).clamp_min(0).mean();
    case Mining::kHard:
      return (Hard(pairs) + margin_).clamp_min(0).mean();
    case Mining::kAll:
      break;
  }
  return MeanViolation(All(pairs), margin_);
}

}  // namespace semblance::trainer
