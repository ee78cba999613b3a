// The loop over the epochs of a run.
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

// The inputs of the loop. With model.cache_features, the loop computes the features itself.
struct TrainingInputs {
  LabeledImages train;
  // May be empty.
  LabeledImages validation;
  LabeledImages test;
  // The names of the training classes, for messages.
  const std::vector<std::string>* classes = nullptr;
  // The checkpoints that the run writes and resumes from. The log is in the same directory.
  const CheckpointStore* checkpoints = nullptr;
  // The file that reports progress. Required.
  ProgressFile* progress = nullptr;
};

struct TrainingOutcome {
  // The evaluations on the test images, before the first step and of the network that is kept. Unset without test images.
  std::optional<storage::v1::EvaluationRecord> untrained;
  std::optional<Evaluation> trained;
  // The time of all epochs, without evaluations.
  double train_seconds = 0;
  int64_t steps = 0;
  int64_t images = 0;
  // The epoch whose network is kept.
  int epoch = 0;
};

// Trains for config.epochs, or resumes from a checkpoint of the same run. Shows progress, recall and the health of the proxies on
// standard error. Afterwards the learner has the state to keep: that of the last epoch, or of the best epoch on the validation
// classes.
//
// Errors: Cancelled at the first step boundary after a stop was requested, with a checkpoint written; FailedPrecondition when the
// loss is not finite (which step, which images), when a proxy gets no gradient in an epoch (which classes), or when the checkpoint
// belongs to another run; Unavailable when another rank ended; errors of reading images and of LibTorch.
absl::StatusOr<TrainingOutcome> RunTrainingLoop(const v1::TrainingConfig& config, const TrainingInputs& inputs,
                                                const std::stop_token& stop, Learner* learner);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_TRAINING_LOOP_H_
