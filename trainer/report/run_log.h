// The documents of a run that are for people: its log, TensorBoard's events, the learning curve and the report.
//
// Not thread-safe.
//
// During the run, log.jsonl and the event file grow in a directory of their own. At the end all documents become part of the
// bundle.
#ifndef SEMBLANCE_TRAINER_REPORT_RUN_LOG_H_
#define SEMBLANCE_TRAINER_REPORT_RUN_LOG_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "trainer/report/event_file.h"
#include "trainer/report/report.h"
#include "trainer/report/training_log.h"

namespace semblance::trainer {

class RunLog {
 public:
  // Opens the log in `directory`, which is created, for a run that resumes after `last_step`. Records of later steps are removed.
  // Errors: those of TrainingLog and EventFile.
  static absl::StatusOr<std::unique_ptr<RunLog>> Open(const std::string& directory, int64_t last_step);

  absl::Status Append(const LogRecord& record);

  // The contents of log.jsonl, the event file, learning_curve.png, report.md and report.json, by file name. Fills in
  // `report.curve_file` and `report.best`.
  absl::StatusOr<std::map<std::string, std::string>> Documents(RunReport report) const;

 private:
  RunLog(std::string directory, absl::Time start) : directory_(std::move(directory)), start_(start) {}

  const std::string directory_;
  // The time of the first record, from which the times of the events are computed.
  const absl::Time start_;
  std::unique_ptr<TrainingLog> log_;
  std::unique_ptr<EventFile> events_;
};

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_REPORT_RUN_LOG_H_
