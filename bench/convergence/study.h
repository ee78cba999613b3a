// A study: variants of one training recipe, several seeds each, compared by recall@1 on classes that training never saw.
//
// Not thread-safe.
//
// A recipe is a directory. recipe.textproto is a TrainingConfig without data.path. losses.tsv has a line for each compared
// loss: its name, a tab, and its settings, separated by semicolons. The runs of a study stay below its directory.
#ifndef SEMBLANCE_BENCH_CONVERGENCE_STUDY_H_
#define SEMBLANCE_BENCH_CONVERGENCE_STUDY_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bench/convergence/training_runs.h"
#include "common/program/command_line.h"

namespace semblance::bench {

// A variant has a name and its differences from the recipe, in the form of --set.
struct Variant {
  std::string name;
  std::vector<std::string> settings;
};

struct StudyOptions {
  // The directory of the recipe. When it is empty, it is recipes/NAME beside the sources of this program, where NAME is the name of
  // the data's directory.
  std::string recipe;
  std::string data = "build/bench/emoji/manifest.tsv";
  // Names of variants, separated by commas. Empty means all.
  std::string only;
  // Settings for all variants, separated by semicolons.
  std::string set;
  int seeds = 3;
  // The number of runs at the same time. Each gets its share of the cores.
  int jobs = 2;
};

struct VariantResult {
  std::string name;
  // The mean over the seeds.
  std::vector<RunPoint> curve;
  // Recall@1 on the test classes after the epoch that the validation classes chose: mean and standard deviation over the seeds.
  double best_recall_at_1 = 0;
  double best_recall_at_1_std = 0;
  // The mean step of those epochs.
  double best_step = 0;
};

// Adds --data, --recipe, --only, --seeds, --jobs and --set.
void AddStudyFlags(CommandLine* command, StudyOptions* options);

// Fills in the recipe. Errors: InvalidArgument, which names the flag.
absl::Status CheckStudyOptions(StudyOptions* options);

// Reads the variants of losses.tsv. Errors: InvalidArgument with file and line; the errors of reading the file.
absl::StatusOr<std::vector<Variant>> ReadLosses(const std::string& recipe);

// Trains all variants in `directory` and prints a line for each. Errors: the errors of RunTrainer.
absl::StatusOr<std::vector<VariantResult>> RunStudy(const StudyOptions& options, const std::string& directory,
                                                    const std::vector<Variant>& variants);

// Returns {"curve": [[step, seconds, recall_at_1], ...], "best_recall_at_1", "best_recall_at_1_std", "best_step"}.
nlohmann::json ToJson(const VariantResult& result);

// Draws recall@1 over steps, with a line for each variant, as a PNG.
absl::Status DrawStudy(const std::vector<VariantResult>& results, const std::string& title, const std::string& file);

}  // namespace semblance::bench

#endif  // SEMBLANCE_BENCH_CONVERGENCE_STUDY_H_
