// The report of a run: the model, its training data, its quality, and the file of the learning curve.
//
// Thread-safe: functions without state. The same input gives the same text.
#ifndef SEMBLANCE_TRAINER_REPORT_REPORT_H_
#define SEMBLANCE_TRAINER_REPORT_REPORT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "trainer/metrics/embedding_evaluation.h"

namespace semblance::trainer {

// The size of one split of the data.
struct ReportedSplit {
  int64_t examples = 0;
  // One of the two is not 0.
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
  // "sha256:..." of the training data. Empty if it is not given.
  std::string data_digest;
  ReportedSplit train;
  ReportedSplit test;
  // Names by label. Labels without a name are shown as numbers.
  std::vector<std::string> class_names;
  // The evaluations of the network before the first step and of the network that was written. Unset without test examples.
  std::optional<Evaluation> untrained;
  std::optional<Evaluation> trained;
  std::optional<BestEvaluation> best;
  std::string device;
  int64_t epochs = 0;
  int64_t steps = 0;
  // The time of training with the evaluations between epochs, and the time of the whole program.
  double train_seconds = 0;
  double total_seconds = 0;
  // The number of images in all training steps. The rate per second is over train_seconds.
  int64_t images = 0;
  // The file of the learning curve, relative to the report. Empty if there is none.
  std::string curve_file;
  // The configuration with all defaults, in text format.
  std::string config;
};

// Returns the report as Markdown. It lists the 10 classes with the lowest R-precision (or recall@1, if that was not measured), and
// the lower label first among equals.
std::string ReportMarkdown(const RunReport& report);

// Returns one indented JSON object with the same content and with every class. Values that were not measured are absent.
std::string ReportJson(const RunReport& report);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_REPORT_REPORT_H_
