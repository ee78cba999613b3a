// The log of a run, log.jsonl: what was measured when. The learning curve, the event file and the report are made from it.
//
// Not thread-safe; the functions are.
//
// A line is a JSON object: {"step": 100, "epoch": 1, "seconds": 12.5, "loss/train": 0.25}. Numbers keep all their digits; a value
// that is not finite is null, and NaN when it is read back. A line that a killed process left unfinished is dropped, and cut off
// when the log is opened again; other damage is DataLoss with the line's number.
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
  // Steps done; 0: before the first.
  int64_t step = 0;
  // The epoch of the step, from 1; 0: before the first.
  int64_t epoch = 0;
  // Since the start of the run.
  double seconds = 0;
  // In the order of the line.
  std::vector<NamedValue> values;

  bool operator==(const LogRecord&) const = default;
};

class TrainingLog {
 public:
  // Opens the log for appending, or creates it. Records after `last_step` are removed first, durably and atomically: a run that
  // goes on from a checkpoint writes them again. Errors: DataLoss; those of common/file.h. REQUIRES: the directory exists.
  static absl::StatusOr<std::unique_ptr<TrainingLog>> Open(const std::string& path,
                                                           int64_t last_step = std::numeric_limits<int64_t>::max());
  TrainingLog(const TrainingLog&) = delete;
  TrainingLog& operator=(const TrainingLog&) = delete;

  // Hands the record's line to the operating system: it survives the end of the process. Errors: InvalidArgument (a name that is
  // "step", "epoch" or "seconds", or is there twice); those of common/file.h.
  absl::Status Append(const LogRecord& record);

 private:
  explicit TrainingLog(std::unique_ptr<AppendFile> file) : file_(std::move(file)) {}

  const std::unique_ptr<AppendFile> file_;
};

// Every record, in the order of the file. Errors: DataLoss; those of common/file.h (NotFound: no log).
absl::StatusOr<std::vector<LogRecord>> ReadTrainingLog(const std::string& path);

// The learning curves: a panel for each group of the values (see named_value.h), titled with it, a line for each name in it; both
// in the order in which the log names them first.
std::vector<CurvePanel> PanelsOf(absl::Span<const LogRecord> records);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_REPORT_TRAINING_LOG_H_
