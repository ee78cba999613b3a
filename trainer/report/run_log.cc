#include "trainer/report/run_log.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/file.h"
#include "common/status_macros.h"
#include "trainer/report/learning_curve.h"

namespace semblance::trainer {
namespace {

constexpr char kLogFile[] = "log.jsonl";
constexpr char kEventFile[] = "events.out.tfevents.semblance";
constexpr char kCurveFile[] = "learning_curve.png";
constexpr char kReportMarkdown[] = "report.md";
constexpr char kReportJson[] = "report.json";
constexpr char kRecallAtOne[] = "recall/at_1";
constexpr char kTripletAccuracy[] = "triplets/accuracy";

std::optional<BestEvaluation> BestOf(const std::vector<LogRecord>& records) {
  std::optional<BestEvaluation> best;
  for (const LogRecord& record : records) {
    for (const NamedValue& value : record.values) {
      const bool is_quality = value.name == kRecallAtOne || value.name == kTripletAccuracy;
      if (is_quality && (!best.has_value() || value.value > best->quality)) {
        best = BestEvaluation{record.epoch, record.step, value.value};
      }
    }
  }
  return best;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RunLog>> RunLog::Open(const std::string& directory, int64_t last_step) {
  SEMBLANCE_RETURN_IF_ERROR(CreateDirectories(directory));
  const std::string path = absl::StrCat(directory, "/", kLogFile);
  std::unique_ptr<RunLog> run(new RunLog(directory, absl::Now()));
  SEMBLANCE_ASSIGN_OR_RETURN(run->log_, TrainingLog::Open(path, last_step));
  SEMBLANCE_ASSIGN_OR_RETURN(run->events_, EventFile::Create(absl::StrCat(directory, "/", kEventFile), run->start_));
  SEMBLANCE_ASSIGN_OR_RETURN(const std::vector<LogRecord> records, ReadTrainingLog(path));
  for (const LogRecord& record : records) {
    SEMBLANCE_RETURN_IF_ERROR(run->events_->AddScalars(record.step, run->start_ + absl::Seconds(record.seconds), record.values));
  }
  return run;
}

absl::Status RunLog::Append(const LogRecord& record) {
  SEMBLANCE_RETURN_IF_ERROR(log_->Append(record));
  return events_->AddScalars(record.step, start_ + absl::Seconds(record.seconds), record.values);
}

absl::StatusOr<std::map<std::string, std::string>> RunLog::Documents(RunReport report) const {
  const std::string path = absl::StrCat(directory_, "/", kLogFile);
  SEMBLANCE_ASSIGN_OR_RETURN(const std::vector<LogRecord> records, ReadTrainingLog(path));
  std::map<std::string, std::string> documents;
  SEMBLANCE_ASSIGN_OR_RETURN(documents[kLogFile], ReadFile(path));
  SEMBLANCE_ASSIGN_OR_RETURN(documents[kEventFile], ReadFile(absl::StrCat(directory_, "/", kEventFile)));
  if (const std::vector<CurvePanel> panels = PanelsOf(records); !panels.empty()) {
    SEMBLANCE_ASSIGN_OR_RETURN(documents[kCurveFile], DrawLearningCurve(panels, {}));
    report.curve_file = kCurveFile;
  }
  report.best = BestOf(records);
  documents[kReportMarkdown] = ReportMarkdown(report);
  documents[kReportJson] = ReportJson(report);
  return documents;
}

}  // namespace semblance::trainer
