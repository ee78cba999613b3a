// Computes the outputs of a frozen backbone (features) once for a whole run (model.cache_features).
//
// Not thread-safe: switches the network to evaluation mode and back to training.
//
// The features are those that the server would compute: EmbeddingNetImpl::Backbone in evaluation mode, in float32 whatever
// config.precision says, of images without augmentation. They are float32 [images, inputs of the head] on the CPU, and the row of
// an image is its position.
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
// after a stop was requested; those of ImageStore::Get and of LibTorch. REQUIRES: the learner will not change the backbone any
// more.
absl::Status CacheFeatures(const v1::TrainingConfig& config, const Learner& learner, const std::stop_token& stop,
                           const std::vector<LabeledImages*>& splits);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LEARNING_FEATURE_CACHE_H_
