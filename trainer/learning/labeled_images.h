// The images of a split with their classes or triplets.
//
// Thread-compatible: const use may run concurrently. Owns nothing that it points to.
#ifndef SEMBLANCE_TRAINER_LEARNING_LABELED_IMAGES_H_
#define SEMBLANCE_TRAINER_LEARNING_LABELED_IMAGES_H_

#include <torch/torch.h>

#include <cstdint>
#include <string>
#include <vector>

#include "dataset/triplet_manifest.h"
#include "semblance/v1/training_config.pb.h"
#include "trainer/data/image_store.h"
#include "trainer/data/sampler.h"

namespace semblance::trainer {

struct LabeledImages {
  const ImageStore* images = nullptr;
  // The class of each image, by position. Empty if there are triplets.
  const std::vector<int64_t>* labels = nullptr;
  // Triplets of positions. Null for images with labels.
  const std::vector<dataset::Triplet>* triplets = nullptr;
  // The outputs of the backbone for the images (see feature_cache.h). Undefined unless they were computed.
  torch::Tensor features = {};
};

// The batches of an epoch. Images are sampled as the config says. For triplets, a batch is batch_size triplets, each as its anchor,
// positive and negative, one after another. The result depends only on the arguments. REQUIRES: a validated config.
PositionBatches EpochBatches(const v1::TrainingConfig& config, const LabeledImages& train, int epoch);

// The size of an epoch. All epochs have the same size.
struct EpochSize {
  int64_t steps = 0;
  int64_t images = 0;
};
EpochSize EpochSizeOf(const v1::TrainingConfig& config, const LabeledImages& train);

// "sha256:" and 64 hex digits: the digest of the images (see ImageStore::digest) and of the triplets.
std::string DigestOf(const LabeledImages& images);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LEARNING_LABELED_IMAGES_H_
