// All of a learner that a checkpoint holds, as files: network, proxies (if it has any), optimiser and the state of the random
// generator.
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

// Makes the learner, of the same config, what it was. Errors: DataLoss, FailedPrecondition (not of this network).
absl::Status RestoreSnapshot(const SnapshotFiles& files, Learner* learner);

// What a bundle keeps: the network and the proxies, on the CPU.
struct TrainedState {
  embedder::TensorMap model;
  // Empty for a loss without proxies.
  embedder::TensorMap proxies;
  // See Bundle::backbone.
  std::string backbone;

  bool empty() const { return model.empty(); }
};

// As files of a checkpoint, their names after `prefix`, and back. Errors: DataLoss.
SnapshotFiles FilesOf(const TrainedState& state, const std::string& prefix);
absl::StatusOr<TrainedState> StateFrom(const SnapshotFiles& files, const std::string& prefix);

TrainedState TrainedStateOf(const Learner& learner);
absl::Status LoadTrainedState(const TrainedState& state, Learner* learner);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LEARNING_SNAPSHOT_H_
