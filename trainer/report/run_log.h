// What a run leaves for people: its log, TensorBoard's events, the learning curve and the report.
//
// Not thread-safe.
//
// While the run goes on, log.jsonl and the event file grow in a directory of their own; in the end all of it becomes part of the
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
  // Opens the log in `directory`, which is created, for a run that goes on after `last_step`: what the log says about later steps
  // is dropped. Errors: as of TrainingLog and EventFile.
  static absl::StatusOr<std::unique_ptr<RunLog>> Open(const std::string& directory, int64_t last_step);

  absl::Status Append(const LogRecord& record);

  // Contents by file name: log.jsonl, the event file, learning_curve.png, report.md and report.json. `report.curve_file` and
  // `report.best` are filled in here.
  absl::StatusOr<std::map<std::string, std::string>> Documents(RunReport report) const;

 private:
  RunLog(std::string directory, absl::Time start) : directory_(std::move(directory)), start_(start) {}

  const std::string directory_;
  // Of the first record, as far as the times of the events go.
  const absl::Time start_;
  std::unique_ptr<TrainingLog> log_;
  std::unique_ptr<EventFile> events_;
};

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_REPORT_RUN_LOG_H_
