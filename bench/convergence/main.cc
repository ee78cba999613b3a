// semblance-bench-convergence measures how fast losses over proxies and pairs converge, and to which recall, on classes that
// training never saw.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "bench/benchmark_program.h"
#include "bench/convergence/study.h"
#include "common/file.h"
#include "common/logging.h"
#include "common/program/command_line.h"
#include "common/status_macros.h"

namespace semblance::bench {
namespace {

using nlohmann::json;

// The paper's main baseline, which the others are measured by.
constexpr char kBaseline[] = "triplet_semihard";

// Returns the first step whose mean recall reaches `recall`, or null if there is none.
json StepsTo(const VariantResult& result, double recall) {
  const auto found =
      std::find_if(result.curve.begin(), result.curve.end(), [=](const RunPoint& point) { return point.recall_at_1 >= recall; });
  return found == result.curve.end() ? json() : json(found->step);
}

json Report(const StudyOptions& options, const std::vector<VariantResult>& results) {
  const auto baseline =
      std::find_if(results.begin(), results.end(), [](const VariantResult& result) { return result.name == kBaseline; });
  json losses = json::object();
  for (const VariantResult& result : results) {
    losses[result.name] = ToJson(result);
    losses[result.name]["steps_to_triplet_best"] = baseline == results.end() ? json() : StepsTo(result, baseline->best_recall_at_1);
  }
  return {{"data", options.data}, {"recipe", options.recipe}, {"seeds", options.seeds}, {"losses", losses}};
}

void Print(const json& report) {
  std::printf("\n%-20s %18s %10s %22s %12s\n", "loss", "recall@1", "best step", "steps to triplet best", "untrained");
  for (const auto& [name, loss] : report["losses"].items()) {
    const json& steps = loss["steps_to_triplet_best"];
    std::printf("%s\n",
                absl::StrFormat("%-20s %9.4f +- %.4f %10.0f %22s %12.4f", name, loss["best_recall_at_1"].get<double>(),
                                loss["best_recall_at_1_std"].get<double>(), loss["best_step"].get<double>(),
                                steps.is_null() ? "-" : absl::StrCat(steps.get<int64_t>()), loss["curve"][0][2].get<double>())
                    .c_str());
  }
}

absl::Status Run(const StudyOptions& options, const std::string& output) {
  const std::filesystem::path file = output;
  SEMBLANCE_ASSIGN_OR_RETURN(const std::vector<Variant> losses, ReadLosses(options.recipe));
  SEMBLANCE_ASSIGN_OR_RETURN(const std::vector<VariantResult> results,
                             RunStudy(options, (file.parent_path() / file.stem()).string(), losses));
  const json report = Report(options, results);
  Print(report);
  SEMBLANCE_RETURN_IF_ERROR(WriteFileAtomically(output, report.dump(/*indent=*/1) + "\n"));
  return DrawStudy(results, "recall@1 on unseen classes", std::filesystem::path(file).replace_extension(".png").string());
}

int Main(const std::vector<std::string>& args) {
  StudyOptions options;
  std::string output = "build/bench/convergence.json";
  CommandLine command("semblance-bench-convergence", "",
                      "Trains with several losses and seeds, and compares recall@1 on unseen classes.");
  command.AddFlag("output", "FILE", "where the numbers go, as JSON, and beside it the curves, as PNG", &output);
  AddStudyFlags(&command, &options);
  command.AddExample("semblance-bench-convergence --only=proxy_nca,triplet_semihard --seeds=1");
  return RunBenchmark(
      &command, args, [&] { return CheckStudyOptions(&options); }, [&] { return Run(options, output); });
}

}  // namespace
}  // namespace semblance::bench

int main(int argc, char** argv) {
  semblance::InitLogging(argv[0]);
  return semblance::bench::Main({argv + 1, argv + argc});
}
