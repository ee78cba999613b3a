// The images of a split with what is known about each: their classes, or triplets.
//
// Thread-compatible: const use may run concurrently. Points to what others own.
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
  // The class of each image, by position; empty where there are triplets.
  const std::vector<int64_t>* labels = nullptr;
  // Of positions; null for images with labels.
  const std::vector<dataset::Triplet>* triplets = nullptr;
  // What the backbone makes of the images: see feature_cache.h. Undefined unless it was computed.
  torch::Tensor features = {};
};

// The batches of an epoch: as the config samples images, or batch_size triplets, each as its anchor, positive and negative, one
// after another. A function of the arguments alone. REQUIRES: a validated config.
PositionBatches EpochBatches(const v1::TrainingConfig& config, const LabeledImages& train, int epoch);

// Of an epoch; the same for every one.
struct EpochSize {
  int64_t steps = 0;
  int64_t images = 0;
};
EpochSize EpochSizeOf(const v1::TrainingConfig& config, const LabeledImages& train);

// "sha256:" + 64 hex digits: that of the images (ImageStore::digest) and of the triplets.
std::string DigestOf(const LabeledImages& images);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LEARNING_LABELED_IMAGES_H_
