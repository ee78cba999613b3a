#include "bench/convergence/study.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "common/file.h"
#include "common/status_macros.h"
#include "common/threads/parallel_for.h"
#include "common/threads/thread_pool.h"
#include "trainer/report/learning_curve.h"

namespace semblance::bench {
namespace {

constexpr char kRecipes[] = "bench/convergence/recipes/";

// Returns the name of the directory that contains the data.
std::string DataName(const std::string& data) {
  const std::filesystem::path path = std::filesystem::absolute(data).lexically_normal();
  const bool is_directory = std::filesystem::is_directory(path);
  return (is_directory && path.has_filename() ? path : path.parent_path()).filename().string();
}

std::vector<std::string> Settings(const std::string& text) {
  return absl::StrSplit(text, ';', absl::SkipWhitespace());
}

bool IsWanted(const StudyOptions& options, const std::string& name) {
  const std::vector<std::string> names = absl::StrSplit(options.only, ',');
  return options.only.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

VariantResult Summarize(const std::string& name, const std::vector<TrainingRun>& runs) {
  VariantResult result;
  result.name = name;
  result.curve = MeanCurve(runs);
  const auto count = static_cast<double>(runs.size());
  for (const TrainingRun& run : runs) {
    result.best_recall_at_1 += run.chosen.recall_at_1 / count;
    result.best_step += static_cast<double>(run.chosen.step) / count;
  }
  double squares = 0;
  for (const TrainingRun& run : runs) {
    squares += std::pow(run.chosen.recall_at_1 - result.best_recall_at_1, 2);
  }
  result.best_recall_at_1_std = runs.size() < 2 ? 0 : std::sqrt(squares / (count - 1));
  return result;
}

void Print(const VariantResult& result) {
  std::printf("%s\n", absl::StrFormat("%-20s recall@1 %.4f +- %.4f after %.0f steps; %d steps in %.0f s a run", result.name,
                                      result.best_recall_at_1, result.best_recall_at_1_std, result.best_step,
                                      result.curve.back().step, result.curve.back().seconds)
                          .c_str());
  std::fflush(stdout);
}

}  // namespace

void AddStudyFlags(CommandLine* command, StudyOptions* options) {
  command->AddFlag("data", "PATH", "the data set; bench/convergence/fetch_emoji.sh makes the default one", &options->data);
  command->AddFlag("recipe", "DIR",
                   "what all runs have in common; default: that of the data's name below bench/convergence/recipes",
                   &options->recipe);
  command->AddFlag("only", "LIST", "names of the variants to train; default: all", &options->only);
  command->AddFlag("seeds", "N", "runs of each variant", &options->seeds);
  command->AddFlag("jobs", "N", "runs at the same time, each on its share of the cores", &options->jobs);
  command->AddFlag("set", "LIST", "settings of the trainer for all runs, separated by semicolons", &options->set);
}

absl::Status CheckStudyOptions(StudyOptions* options) {
  if (!PathExists(options->data)) {
    return absl::InvalidArgumentError(absl::StrCat("--data: there is no ", options->data,
                                                   "; bench/convergence/fetch_emoji.sh build/bench/emoji makes the default one"));
  }
  if (options->recipe.empty()) {
    options->recipe = absl::StrCat(kRecipes, DataName(options->data));
  }
  if (!PathExists(absl::StrCat(options->recipe, "/recipe.textproto"))) {
    return absl::InvalidArgumentError(
        absl::StrCat("--recipe: there is no ", options->recipe, "/recipe.textproto; ", kRecipes, " has some to start from"));
  }
  if (options->seeds < 1 || options->jobs < 1) {
    return absl::InvalidArgumentError("--seeds and --jobs must be at least 1");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Variant>> ReadLosses(const std::string& recipe) {
  const std::string file = absl::StrCat(recipe, "/losses.tsv");
  SEMBLANCE_ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
  std::vector<Variant> variants;
  int number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    if (absl::StripAsciiWhitespace(line).empty() || line.front() == '#') {
      continue;
    }
    const std::vector<std::string> cells = absl::StrSplit(line, '\t');
    if (cells.size() != 2 || cells[0].empty()) {
      return absl::InvalidArgumentError(absl::StrCat(file, ":", number, ": expected a name, a tab and settings"));
    }
    variants.push_back({cells[0], Settings(cells[1])});
  }
  return variants;
}

absl::StatusOr<std::vector<VariantResult>> RunStudy(const StudyOptions& options, const std::string& directory,
                                                    const std::vector<Variant>& variants) {
  std::vector<Variant> wanted;
  std::copy_if(variants.begin(), variants.end(), std::back_inserter(wanted),
               [&](const Variant& variant) { return IsWanted(options, variant.name); });
  const int64_t seeds = options.seeds;
  const int threads = std::max(1, CoreCount() / options.jobs);
  std::vector<std::vector<TrainingRun>> runs(wanted.size(), std::vector<TrainingRun>(static_cast<size_t>(seeds)));
  SEMBLANCE_RETURN_IF_ERROR(ParallelFor(options.jobs, static_cast<int64_t>(wanted.size()) * seeds, [&](int64_t i) -> absl::Status {
    const Variant& variant = wanted[static_cast<size_t>(i / seeds)];
    const auto seed = static_cast<size_t>(i % seeds);
    std::vector<std::string> settings = {absl::StrCat("data.path=", options.data), absl::StrCat("compute_threads=", threads),
                                         absl::StrCat("loader_threads=", threads), absl::StrCat("seed=", seed + 1)};
    settings.insert(settings.end(), variant.settings.begin(), variant.settings.end());
    const std::vector<std::string> common = Settings(options.set);
    settings.insert(settings.end(), common.begin(), common.end());
    SEMBLANCE_ASSIGN_OR_RETURN(TrainingRun run, RunTrainer(directory, absl::StrCat(variant.name, "_", seed + 1),
                                                           absl::StrCat(options.recipe, "/recipe.textproto"), settings));
    std::printf("  %s, seed %zu: recall@1 %.4f\n", variant.name.c_str(), seed + 1, run.chosen.recall_at_1);
    std::fflush(stdout);
    runs[static_cast<size_t>(i / seeds)][seed] = std::move(run);
    return absl::OkStatus();
  }));
  std::vector<VariantResult> results;
  for (size_t i = 0; i < wanted.size(); ++i) {
    results.push_back(Summarize(wanted[i].name, runs[i]));
    Print(results.back());
  }
  return results;
}

nlohmann::json ToJson(const VariantResult& result) {
  nlohmann::json curve = nlohmann::json::array();
  for (const RunPoint& point : result.curve) {
    curve.push_back({point.step, point.seconds, point.recall_at_1});
  }
  return {{"curve", curve},
          {"best_recall_at_1", result.best_recall_at_1},
          {"best_recall_at_1_std", result.best_recall_at_1_std},
          {"best_step", result.best_step}};
}

absl::Status DrawStudy(const std::vector<VariantResult>& results, const std::string& title, const std::string& file) {
  trainer::CurvePanel panel = {title, "", {}};
  for (const VariantResult& result : results) {
    trainer::CurveSeries series = {result.name, {}};
    for (const RunPoint& point : result.curve) {
      series.points.push_back({static_cast<double>(point.step), point.recall_at_1});
    }
    panel.series.push_back(std::move(series));
  }
  SEMBLANCE_ASSIGN_OR_RETURN(const std::string png, trainer::DrawLearningCurve({&panel, 1}, {.width = 900, .panel_height = 500}));
  return WriteFileAtomically(file, png);
}

}  // namespace semblance::bench
