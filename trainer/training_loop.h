// The passes over the training data.
//
// Not thread-safe.
#ifndef SEMBLANCE_TRAINER_TRAINING_LOOP_H_
#define SEMBLANCE_TRAINER_TRAINING_LOOP_H_

#include <atomic>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "semblance/v1/training_config.pb.h"
#include "trainer/evaluation.h"
#include "trainer/image_store.h"
#include "trainer/learner.h"

namespace semblance {

// The images of a run and their classes, by position.
struct TrainingInputs {
  const ImageStore* train = nullptr;
  const std::vector<int64_t>* train_labels = nullptr;
  // May be empty.
  const ImageStore* test = nullptr;
  const std::vector<int64_t>* test_labels = nullptr;
};

struct TrainingOutcome {
  // Before the first step and after the last one; empty without test images.
  Recalls untrained_recall;
  Recalls recall;
  // Of all epochs with the evaluations between them; without the first and the last evaluation.
  double train_seconds = 0;
};

// Trains for config.epochs, showing progress and recall on standard error. Errors: Cancelled at the first step boundary after *stop
// became true; FailedPrecondition naming the step when the loss is not finite; those of reading images; LibTorch's.
absl::StatusOr<TrainingOutcome> RunTrainingLoop(const v1::TrainingConfig& config, const TrainingInputs& inputs,
                                                const std::atomic<bool>& stop, Learner* learner);

}  // namespace semblance

#endif  // SEMBLANCE_TRAINER_TRAINING_LOOP_H_
