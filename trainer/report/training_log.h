// The log of a run, log.jsonl, which holds all measurements. The learning curve, the event file and the report are made from it.
//
// The class is not thread-safe; the functions are.
//
// A line is a JSON object: {"step": 100, "epoch": 1, "seconds": 12.5, "loss/train": 0.25}. Numbers keep all their digits. A value
// that is not finite is written as null and read as NaN. If a killed process left an unfinished line, reading ignores it, and
// opening the log removes it. Any other damage is DataLoss with the number of the line.
#ifndef SEMBLANCE_TRAINER_REPORT_TRAINING_LOG_H_
#define SEMBLANCE_TRAINER_REPORT_TRAINING_LOG_H_

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/file.h"
#include "trainer/metrics/named_value.h"
#include "trainer/report/learning_curve.h"

namespace semblance::trainer {

struct LogRecord {
  // The number of steps done. 0: before the first step.
  int64_t step = 0;
  // The epoch of the step, counted from 1. 0: before the first step.
  int64_t epoch = 0;
  // The seconds since the start of the run.
  double seconds = 0;
  // The values in the order of the line.
  std::vector<NamedValue> values;

  bool operator==(const LogRecord&) const = default;
};

class TrainingLog {
 public:
  // Opens the log for appending, or creates it. First removes the records after `last_step`, durably and atomically, because a run
  // that resumes from a checkpoint writes them again. Errors: DataLoss; those of common/file.h. REQUIRES: the directory exists.
  static absl::StatusOr<std::unique_ptr<TrainingLog>> Open(const std::string& path,
                                                           int64_t last_step = std::numeric_limits<int64_t>::max());
  TrainingLog(const TrainingLog&) = delete;
  TrainingLog& operator=(const TrainingLog&) = delete;

  // Hands the record's line to the operating system, so that it survives the end of the process. Errors: InvalidArgument (a name
  // that is "step", "epoch" or "seconds", or that occurs twice); those of common/file.h.
  absl::Status Append(const LogRecord& record);

 private:
  explicit TrainingLog(std::unique_ptr<AppendFile> file) : file_(std::move(file)) {}

  const std::unique_ptr<AppendFile> file_;
};

// Returns all records in the order of the file. Errors: DataLoss; those of common/file.h (NotFound if there is no log).
absl::StatusOr<std::vector<LogRecord>> ReadTrainingLog(const std::string& path);

// The learning curves: a panel for each group of values (see named_value.h), whose title is the group, with a line for each name.
// Both are in the order of their first occurrence in the log.
std::vector<CurvePanel> PanelsOf(absl::Span<const LogRecord> records);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_REPORT_TRAINING_LOG_H_
