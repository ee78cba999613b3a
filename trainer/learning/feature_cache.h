// What a frozen backbone makes of the images, computed once for a whole run (model.cache_features).
//
// Not thread-safe: switches the network to evaluation mode and back to training.
//
// The features are those of serving: EmbeddingNetImpl::Backbone in evaluation mode and in float32, whatever config.precision says,
// of the images without augmentation. float32 [images, inputs of the head] on the CPU, a row for each image, by position.
#ifndef SEMBLANCE_TRAINER_LEARNING_FEATURE_CACHE_H_
#define SEMBLANCE_TRAINER_LEARNING_FEATURE_CACHE_H_

#include <stop_token>
#include <vector>

#include "absl/status/status.h"
#include "semblance/v1/training_config.pb.h"
#include "trainer/learning/labeled_images.h"
#include "trainer/learning/learner.h"

namespace semblance::trainer {

// With model.cache_features, fills in the features of every split that has images; else does nothing. The ranks share the work, and
// each gets all of it. Shows its progress.
//
// Errors: InvalidArgument with the field data.max_cached_bytes when the features of all splits take more than that; Cancelled soon
// after *stop became true; as of ImageStore::Get; LibTorch's. REQUIRES: what the learner does to the backbone is over.
absl::Status CacheFeatures(const v1::TrainingConfig& config, const Learner& learner, const std::stop_token& stop,
                           const std::vector<LabeledImages*>& splits);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LEARNING_FEATURE_CACHE_H_
