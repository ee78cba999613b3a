// The report of a run: what was trained on what, how good it is, and where the learning curve is.
//
// Thread-safe: functions without state; the same input gives the same text.
#ifndef SEMBLANCE_TRAINER_REPORT_REPORT_H_
#define SEMBLANCE_TRAINER_REPORT_REPORT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "trainer/metrics/embedding_evaluation.h"

namespace semblance::trainer {

// Part of the examples.
struct ReportedSplit {
  int64_t examples = 0;
  // One of the two.
  int64_t classes = 0;
  int64_t triplets = 0;
};

// The evaluation with the highest recall@1, or triplet accuracy, during the run.
struct BestEvaluation {
  int64_t epoch = 0;
  int64_t step = 0;
  double quality = 0;
};

struct RunReport {
  std::string model_name;
  // "sha256:..." of the training data; empty: not given.
  std::string data_digest;
  ReportedSplit train;
  ReportedSplit test;
  // Names by label; labels beyond are shown as numbers.
  std::vector<std::string> class_names;
  // Of the network before the first step and of the one that was written; unset where there were no test examples.
  std::optional<Evaluation> untrained;
  std::optional<Evaluation> trained;
  std::optional<BestEvaluation> best;
  std::string device;
  int64_t epochs = 0;
  int64_t steps = 0;
  // Training with the evaluations between epochs, and the whole program.
  double train_seconds = 0;
  double total_seconds = 0;
  // Images of training steps; per second they are counted over train_seconds.
  int64_t images = 0;
  // File of the learning curve, relative to the report; empty: none.
  std::string curve_file;
  // The configuration with all defaults, in text format.
  std::string config;
};

// Markdown. Classes: the 10 with the lowest R-precision (recall@1 where that was not measured; the lower label first among equals).
std::string ReportMarkdown(const RunReport& report);

// One JSON object with the same content, indented; every class is in it. What was not measured is absent.
std::string ReportJson(const RunReport& report);

// Writes report.md and report.json into the directory, each atomically. Errors: those of common/file.h.
absl::Status WriteReport(const std::string& directory, const RunReport& report);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_REPORT_REPORT_H_
