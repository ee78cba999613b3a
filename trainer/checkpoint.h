// Checkpoints of a training run: directories step_N below one directory. Each of them is complete or does not exist.
//
// Not thread-safe; one run at a time uses a directory.
//
// A checkpoint is written as step_N.tmp, with its manifest last, then synced and renamed. Readers ignore what a crash left behind,
// and the next Write removes it.
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

  // Writes a checkpoint, which is durable when this returns, and then removes old ones. Its name is manifest.progress.steps; an
  // existing one of that name is replaced. Errors: I/O errors.
  absl::Status Write(Checkpoint checkpoint) const;

  // Returns the intact checkpoint with the most steps, or nullopt if there is none. A checkpoint is intact if it has a manifest and
  // every file has the size and the digest in the manifest. Damaged checkpoints are logged and skipped. Errors: FailedPrecondition
  // for a checkpoint of a newer version; I/O errors.
  absl::StatusOr<std::optional<Checkpoint>> ReadNewest() const;

  // Removes the directory and everything in it.
  absl::Status RemoveAll() const;

  const std::string& directory() const { return directory_; }

 private:
  const std::string directory_;
  const int keep_;
};

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_CHECKPOINT_H_
