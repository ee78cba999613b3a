// A learner small enough to train in a test: one stage of four channels on gray images of 8 x 8 pixels.
#ifndef SEMBLANCE_TESTS_TRAINER_LEARNING_SMALL_LEARNER_H_
#define SEMBLANCE_TESTS_TRAINER_LEARNING_SMALL_LEARNER_H_

#include <torch/torch.h>

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "config/training_config.h"
#include "trainer/learning/learner.h"

namespace semblance::testing {

inline v1::TrainingConfig SmallConfig() {
  v1::TrainingConfig config;
  config.mutable_model()->set_input_side(8);
  config.mutable_model()->set_input_channels(1);
  config.mutable_model()->set_dimension(4);
  config.mutable_model()->add_convnet_channels(4);
  return config::WithDefaults(config);
}

// Every call returns the same network for the same config. `ranks` must outlive the learner.
inline absl::StatusOr<std::unique_ptr<trainer::Learner>> CreateSmallLearner(const v1::TrainingConfig& config, int64_t class_count,
                                                                            const trainer::Ranks* ranks) {
  torch::manual_seed(1);
  const auto& model = config.model();
  return trainer::Learner::Create(
      config, embedder::NewEmbeddingNet(config::ArchitectureOf(model), config::PreprocessingOf(model), model.dimension()).value(),
      class_count, torch::kCPU, ranks);
}

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_TRAINER_LEARNING_SMALL_LEARNER_H_
