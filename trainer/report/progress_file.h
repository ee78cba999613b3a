// progress.json (storage::v1::TrainerProgress): where a run is, for those who wait for it.
//
// Not thread-safe.
//
// Nothing depends on it: what cannot be written is logged, once, and training goes on.
#ifndef SEMBLANCE_TRAINER_REPORT_PROGRESS_FILE_H_
#define SEMBLANCE_TRAINER_REPORT_PROGRESS_FILE_H_

#include <string>
#include <utility>

#include "absl/time/time.h"
#include "semblance/storage/v1/job.pb.h"

namespace semblance::trainer {

class ProgressFile {
 public:
  // Empty: nothing is written, by ranks that are not the first. Creates the directory.
  explicit ProgressFile(std::string path) : path_(std::move(path)) {}

  // What Write writes: fields are set in place.
  storage::v1::TrainerProgress& progress() { return progress_; }

  // Not within a second of the last.
  void Write();
  // At once.
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
