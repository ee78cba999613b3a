// Runs semblance-trainer for a benchmark and reads its logs.
//
// Thread-safe: functions without state. Runs of different names may run at the same time.
#ifndef SEMBLANCE_BENCH_CONVERGENCE_TRAINING_RUNS_H_
#define SEMBLANCE_BENCH_CONVERGENCE_TRAINING_RUNS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace semblance::bench {

// One evaluation of a run.
struct RunPoint {
  int64_t step = 0;
  // The time of training without evaluations.
  double seconds = 0;
  // Recall@1 on the test classes, and on the validation classes, which are held out of the training classes.
  double recall_at_1 = 0;
  double validation_recall_at_1 = 0;
};

struct TrainingRun {
  std::vector<RunPoint> curve;
  // Returns the evaluation that the validation classes choose: the first with the highest recall@1 on them.
  RunPoint chosen;
};

// Trains anew, with `settings` (in the form of --set) on top of the file `config`. The bundle is written to `output`, which is
// removed first. Errors: Internal when the program fails, with the name of the file that says why; the errors of removing `output`.
absl::Status Train(const std::string& output, const std::string& config, const std::vector<std::string>& settings);

// Trains in a new directory below `directory`, with `settings` (in the form of --set) on top of the file `config`, and reads the
// log. A run that exists already, with the same settings and by the same build of the trainer, is not repeated. Errors: Internal
// when the program fails; the errors of reading files.
absl::StatusOr<TrainingRun> RunTrainer(const std::string& directory, const std::string& name, const std::string& config,
                                       const std::vector<std::string>& settings);

// Averages the runs point by point. REQUIRES: at least one run; all runs have the same steps.
std::vector<RunPoint> MeanCurve(const std::vector<TrainingRun>& runs);

}  // namespace semblance::bench

#endif  // SEMBLANCE_BENCH_CONVERGENCE_TRAINING_RUNS_H_
