// semblance-bench-convergence: how fast and how far losses over proxies and over pairs get, on classes that training never saw.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "bench/convergence/training_runs.h"
#include "common/command_line.h"
#include "common/file.h"
#include "common/logging.h"
#include "common/process.h"
#include "common/status_macros.h"
#include "trainer/learning_curve.h"

namespace semblance::bench {
namespace {

using nlohmann::json;

// What differs between the runs: the loss and what it needs, at the defaults or the values of its paper.
struct Contestant {
  const char* name;
  std::vector<std::string> settings;
};

const Contestant kContestants[] = {
    {"proxy_nca", {"loss.proxy_nca.denominator=DENOMINATOR_ALL"}},
    {"proxy_anchor", {"loss.proxy_anchor.scale=32"}},
    {"soft_triple", {"loss.soft_triple.scale=20", "proxies.per_class=2"}},
    {"triplet_semihard", {"loss.triplet.mining=MINING_SEMI_HARD", "sampler.samples_per_class=4"}},
    {"n_pairs", {"loss.n_pairs.scale=16", "sampler.samples_per_class=2"}},
};
constexpr char kTriplet[] = "triplet_semihard";

struct Flags {
  std::string output = "build/bench/convergence.json";
  std::string data = "build/bench/emoji/manifest.tsv";
  std::string losses;
  std::string set;
  int seeds = 3;
  int epochs = 30;
};

// The same for all: network, augmentation, batch size, optimiser.
std::string Config(const Flags& flags) {
  return absl::StrFormat(
      "model_name: \"convergence\"\n"
      "data { path: \"%s\" hold_out: HOLD_OUT_CLASSES hold_out_fraction: 0.5 }\n"
      "model { input_side: 64 dimension: 64 }\n"
      "batch_size: 64\n"
      "epochs: %d\n"
      "optimizer { learning_rate: 0.001 proxy_learning_rate: 0.01 schedule: SCHEDULE_CONSTANT }\n"
      "validation { fraction: 0.1 }\n"
      "device: \"cpu\"\n",
      flags.data, flags.epochs);
}

struct Result {
  std::string name;
  std::vector<CurvePoint> curve;
  double best = 0;
  double best_std = 0;
};

Result Summarize(const std::string& name, const std::vector<TrainingRun>& runs) {
  Result result = {name, MeanCurve(runs)};
  const double count = static_cast<double>(runs.size());
  for (const TrainingRun& run : runs) {
    result.best += run.chosen_recall_at_1 / count;
  }
  double squares = 0;
  for (const TrainingRun& run : runs) {
    squares += std::pow(run.chosen_recall_at_1 - result.best, 2);
  }
  result.best_std = runs.size() < 2 ? 0 : std::sqrt(squares / (count - 1));
  return result;
}

// The first step whose mean recall reaches `recall`; -1: none.
int64_t StepsTo(const Result& result, double recall) {
  const auto found =
      std::find_if(result.curve.begin(), result.curve.end(), [=](const CurvePoint& point) { return point.recall_at_1 >= recall; });
  return found == result.curve.end() ? -1 : found->step;
}

json ToJson(const Result& result, const std::vector<Result>& all) {
  json curve = json::array();
  for (const CurvePoint& point : result.curve) {
    curve.push_back({point.step, point.seconds, point.recall_at_1});
  }
  json one = {{"curve", curve}, {"best_recall_at_1", result.best}, {"best_recall_at_1_std", result.best_std}};
  const auto triplet = std::find_if(all.begin(), all.end(), [](const Result& other) { return other.name == kTriplet; });
  one["steps_to_triplet_best"] = triplet == all.end() ? json() : json(StepsTo(result, triplet->best));
  return one;
}

absl::Status Save(const Flags& flags, const std::vector<Result>& results) {
  json losses = json::object();
  CurvePanel panel = {"recall@1 on unseen classes", "", {}};
  for (const Result& result : results) {
    losses[result.name] = ToJson(result, results);
    CurveSeries series = {result.name, {}};
    for (const CurvePoint& point : result.curve) {
      series.points.push_back({static_cast<double>(point.step), point.recall_at_1});
    }
    panel.series.push_back(std::move(series));
  }
  const json report = {{"data", flags.data}, {"seeds", flags.seeds}, {"epochs", flags.epochs}, {"losses", losses}};
  SEMBLANCE_RETURN_IF_ERROR(WriteFileAtomically(flags.output, report.dump(/*indent=*/1) + "\n"));
  SEMBLANCE_ASSIGN_OR_RETURN(const std::string png, DrawLearningCurve({&panel, 1}, {.width = 900, .panel_height = 500}));
  return WriteFileAtomically(std::filesystem::path(flags.output).replace_extension(".png").string(), png);
}

bool IsWanted(const Flags& flags, const std::string& name) {
  const std::vector<std::string> names = absl::StrSplit(flags.losses, ',');
  return flags.losses.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

absl::Status Run(const Flags& flags) {
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  const std::string directory = (std::filesystem::path(flags.output).parent_path() / "convergence").string();
  std::vector<Result> results;
  for (const Contestant& contestant : kContestants) {
    if (!IsWanted(flags, contestant.name)) {
      continue;
    }
    std::vector<TrainingRun> runs;
    for (int seed = 1; seed <= flags.seeds; ++seed) {
      std::vector<std::string> settings = contestant.settings;
      settings.push_back(absl::StrCat("seed=", seed));
      const std::vector<std::string> more = absl::StrSplit(flags.set, ';', absl::SkipEmpty());
      settings.insert(settings.end(), more.begin(), more.end());
      SEMBLANCE_ASSIGN_OR_RETURN(TrainingRun run,
                                 RunTrainer(directory, absl::StrCat(contestant.name, "_", seed), Config(flags), settings));
      runs.push_back(std::move(run));
    }
    results.push_back(Summarize(contestant.name, runs));
    const Result& last = results.back();
    std::printf("%s\n", absl::StrFormat("%-18s best recall@1 %.4f +- %.4f, %d steps, %.0f s a run", last.name, last.best,
                                        last.best_std, last.curve.back().step, last.curve.back().seconds)
                            .c_str());
    SEMBLANCE_RETURN_IF_ERROR(Save(flags, results));
  }
  return absl::OkStatus();
}

int Main(const std::vector<std::string>& args) {
  Flags flags;
  CommandLine command("semblance-bench-convergence", "",
                      "Trains with several losses and seeds, and compares recall@1 on unseen classes.");
  command.AddFlag("output", "FILE", "where the numbers go, as JSON, and beside it the curves, as PNG", &flags.output);
  command.AddFlag("data", "PATH", "the data set; bench/convergence/fetch_emoji.sh makes the default one", &flags.data);
  command.AddFlag("losses", "LIST", "which losses; default: all", &flags.losses);
  command.AddFlag("seeds", "N", "runs of each loss", &flags.seeds);
  command.AddFlag("epochs", "N", "of each run", &flags.epochs);
  command.AddFlag("set", "LIST", "more settings of the trainer's config, separated by semicolons", &flags.set);
  command.AddExample("semblance-bench-convergence --losses=proxy_nca,triplet_semihard --seeds=1");
  absl::Status status = command.Parse(args).status();
  if (command.help_requested()) {
    std::printf("%s", command.Help().c_str());
    return kExitDone;
  }
  if (status.ok() && !PathExists(flags.data)) {
    status = absl::InvalidArgumentError(absl::StrCat("--data: there is no ", flags.data,
                                                     "; bench/convergence/fetch_emoji.sh build/bench/emoji makes the default one"));
  }
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
    return kExitUsage;
  }
  status = Run(flags);
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", status.ToString().c_str());
    return kExitFailed;
  }
  return kExitDone;
}

}  // namespace
}  // namespace semblance::bench

int main(int argc, char** argv) {
  semblance::InitLogging(argv[0]);
  return semblance::bench::Main({argv + 1, argv + argc});
}
