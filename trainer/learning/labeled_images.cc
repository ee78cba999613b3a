#include "trainer/learning/labeled_images.h"

#include "absl/strings/str_cat.h"
#include "common/digest.h"

namespace semblance::trainer {
namespace {

PositionBatches TripletBatches(const std::vector<dataset::Triplet>& triplets, int batch_size, uint64_t seed, int epoch) {
  PositionBatches batches = ShuffledBatches(static_cast<int64_t>(triplets.size()), batch_size, seed, epoch);
  for (std::vector<int64_t>& batch : batches) {
    std::vector<int64_t> positions;
    positions.reserve(3 * batch.size());
    for (const int64_t index : batch) {
      const dataset::Triplet& triplet = triplets[static_cast<size_t>(index)];
      positions.insert(positions.end(), {triplet.anchor, triplet.positive, triplet.negative});
    }
    batch = std::move(positions);
  }
  return batches;
}

}  // namespace

PositionBatches EpochBatches(const v1::TrainingConfig& config, const LabeledImages& train, int epoch) {
  if (train.triplets != nullptr) {
    return TripletBatches(*train.triplets, config.batch_size(), config.seed(), epoch);
  }
  const int samples_per_class = config.sampler().samples_per_class();
  if (samples_per_class == 0) {
    return ShuffledBatches(train.images->size(), config.batch_size(), config.seed(), epoch);
  }
  const BatchShape shape = {config.batch_size() / samples_per_class, samples_per_class};
  return BalancedBatches(*train.labels, shape, config.seed(), epoch);
}

EpochSize EpochSizeOf(const v1::TrainingConfig& config, const LabeledImages& train) {
  const PositionBatches batches = EpochBatches(config, train, /*epoch=*/1);
  EpochSize size;
  size.steps = static_cast<int64_t>(batches.size());
  for (const std::vector<int64_t>& batch : batches) {
    size.images += static_cast<int64_t>(batch.size());
  }
  return size;
}

std::string DigestOf(const LabeledImages& images) {
  std::string digest = images.images->digest();
  if (images.triplets == nullptr) {
    return digest;
  }
  std::string text = absl::StrCat(digest, "\n");
  for (const dataset::Triplet& triplet : *images.triplets) {
    absl::StrAppend(&text, triplet.anchor, " ", triplet.positive, " ", triplet.negative, "\n");
  }
  return absl::StrCat("sha256:", Sha256Hex(text));
}

}  // namespace semblance::trainer
