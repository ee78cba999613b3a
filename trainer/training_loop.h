// The passes over the training data.
//
// Not thread-safe.
#ifndef SEMBLANCE_TRAINER_TRAINING_LOOP_H_
#define SEMBLANCE_TRAINER_TRAINING_LOOP_H_

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "semblance/v1/training_config.pb.h"
#include "trainer/checkpoint.h"
#include "trainer/learning/evaluation.h"
#include "trainer/learning/labeled_images.h"
#include "trainer/learning/learner.h"
#include "trainer/report/progress_file.h"

namespace semblance::trainer {

// With model.cache_features the loop computes the features.
struct TrainingInputs {
  LabeledImages train;
  // May be empty.
  LabeledImages validation;
  LabeledImages test;
  // Names of the training classes, for messages.
  const std::vector<std::string>* classes = nullptr;
  // Where the run is kept, and goes on from; its log is there, too.
  const CheckpointStore* checkpoints = nullptr;
  // What is said to those who wait. Required.
  ProgressFile* progress = nullptr;
};

struct TrainingOutcome {
  // On the test images, before the first step and of the network that is kept; unset without test images.
  std::optional<storage::v1::EvaluationRecord> untrained;
  std::optional<Evaluation> trained;
  // Of all epochs, without evaluations.
  double train_seconds = 0;
  int64_t steps = 0;
  int64_t images = 0;
  // The epoch whose network is kept.
  int epoch = 0;
};

// Trains for config.epochs, or goes on with what a checkpoint of the same run left; shows progress, recall and the health of the
// proxies on standard error. Afterwards the learner is the one to keep: of the last epoch, or of the best on the validation
// classes.
//
// Errors: Cancelled at the first step boundary after *stop became true, with a checkpoint written; FailedPrecondition when the loss
// is not finite (which step, which images), when a proxy gets no gradient in an epoch (which classes), or when the checkpoint is of
// another run; Unavailable when another rank ended; those of reading images; LibTorch's.
absl::StatusOr<TrainingOutcome> RunTrainingLoop(const v1::TrainingConfig& config, const TrainingInputs& inputs,
                                                const std::stop_token& stop, Learner* learner);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_TRAINING_LOOP_H_
