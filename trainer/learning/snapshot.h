// The state of a learner that a checkpoint keeps, as files: the network, the proxies (if there are any), the optimizer and the
// random generator.
//
// Not thread-safe: reads and writes the learner and LibTorch's default generator of the CPU.
#ifndef SEMBLANCE_TRAINER_LEARNING_SNAPSHOT_H_
#define SEMBLANCE_TRAINER_LEARNING_SNAPSHOT_H_

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "embedder/bundle/safetensors.h"
#include "trainer/learning/learner.h"

namespace semblance::trainer {

// Contents by file name.
using SnapshotFiles = std::map<std::string, std::string>;

SnapshotFiles TakeSnapshot(const Learner& learner);

// Restores the state into a learner of the same config. Errors: DataLoss; FailedPrecondition if the state is that of another
// network.
absl::Status RestoreSnapshot(const SnapshotFiles& files, Learner* learner);

// The part of the state that a bundle keeps: the network and the proxies, on the CPU.
struct TrainedState {
  embedder::TensorMap model;
  // Empty for a loss without proxies.
  embedder::TensorMap proxies;
  // See Bundle::backbone.
  std::string backbone;

  bool empty() const { return model.empty(); }
};

// Converts the state to files of a checkpoint, whose names begin with `prefix`, and back. Errors: DataLoss.
SnapshotFiles FilesOf(const TrainedState& state, const std::string& prefix);
absl::StatusOr<TrainedState> StateFrom(const SnapshotFiles& files, const std::string& prefix);

TrainedState TrainedStateOf(const Learner& learner);
absl::Status LoadTrainedState(const TrainedState& state, Learner* learner);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LEARNING_SNAPSHOT_H_
