// progress.json (storage::v1::TrainerProgress), which tells the server how far a run is.
//
// Not thread-safe.
//
// Training does not depend on this file. If it cannot be written, that is logged once, and training continues.
#ifndef SEMBLANCE_TRAINER_REPORT_PROGRESS_FILE_H_
#define SEMBLANCE_TRAINER_REPORT_PROGRESS_FILE_H_

#include <string>
#include <utility>

#include "absl/time/time.h"
#include "semblance/storage/v1/job.pb.h"

namespace semblance::trainer {

class ProgressFile {
 public:
  // With an empty path nothing is written; ranks other than the first use this. The first write creates the directory.
  explicit ProgressFile(std::string path) : path_(std::move(path)) {}

  // The message that Write writes. The caller sets its fields in place.
  storage::v1::TrainerProgress& progress() { return progress_; }

  // Writes the message, unless it was written less than a second ago.
  void Write();
  // Set the activity or the error, and write at once.
  void WriteActivity(const std::string& activity);
  void WriteFailure(const std::string& error);

 private:
  void WriteNow();

  const std::string path_;
  storage::v1::TrainerProgress progress_;
  absl::Time written_ = absl::InfinitePast();
  bool failed_ = false;
};

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_REPORT_PROGRESS_FILE_H_
