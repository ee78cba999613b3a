// Checkpoints of a training run: directories step_N below one directory, each complete or not there.
//
// Not thread-safe; one run at a time uses a directory.
//
// A checkpoint is written aside as step_N.tmp, its manifest last, synced, and renamed. What a crash left behind is passed over by
// readers and removed by the next Write.
#ifndef SEMBLANCE_TRAINER_CHECKPOINT_H_
#define SEMBLANCE_TRAINER_CHECKPOINT_H_

#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "semblance/storage/v1/checkpoint.pb.h"

namespace semblance::trainer {

struct Checkpoint {
  // Write fills in format_version and files.
  storage::v1::CheckpointManifest manifest;
  // Contents by plain file name.
  std::map<std::string, std::string> files;
};

class CheckpointStore {
 public:
  // Keeps the newest `keep` >= 1. Creates the directory at the first Write.
  CheckpointStore(std::string directory, int keep) : directory_(std::move(directory)), keep_(keep) {}

  // Durable when it returns. Named after manifest.progress.steps; one of that name is replaced. Then removes old ones. Errors: I/O
  // errors.
  absl::Status Write(Checkpoint checkpoint) const;

  // The one with the most steps that is whole: its manifest is there and every file has the size and digest that it says. Damaged
  // ones are logged and passed over. nullopt: none. Errors: FailedPrecondition for one of a newer version; I/O errors.
  absl::StatusOr<std::optional<Checkpoint>> ReadNewest() const;

  // Removes the directory and all that is in it.
  absl::Status RemoveAll() const;

  const std::string& directory() const { return directory_; }

 private:
  const std::string directory_;
  const int keep_;
};

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_CHECKPOINT_H_
