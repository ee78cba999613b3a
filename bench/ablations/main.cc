// semblance-bench-ablations measures what the choices of Proxy-NCA change, one at a time, as in its paper: the scale, the number of
// proxies, their assignment, and the batch size.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "bench/benchmark_program.h"
#include "bench/convergence/study.h"
#include "common/file.h"
#include "common/logging.h"
#include "common/program/command_line.h"
#include "common/status_macros.h"

namespace semblance::bench {
namespace {

using nlohmann::json;

struct Ablation {
  std::string name;
  std::vector<Variant> variants;
};

// k = 2 embedding_scale proxy_scale. The two lengths are equal.
Variant Scale(const char* k, const char* length) {
  return {absl::StrCat("k_", k),
          {absl::StrCat("loss.proxy_nca.embedding_scale=", length), absl::StrCat("loss.proxy_nca.proxy_scale=", length)}};
}

Variant ProxiesPerClass(const char* share) {
  return {absl::StrCat("per_class_", share), {absl::StrCat("proxies.per_class=", share)}};
}

// The positive of an example is another example of its class, so the batch must have one.
Variant Assignment(const char* name, const char* value) {
  return {name, {absl::StrCat("proxies.assignment=", value), "sampler.samples_per_class=2"}};
}

Variant BatchSize(const char* size) {
  return {absl::StrCat("batch_", size), {absl::StrCat("batch_size=", size)}};
}

std::vector<Ablation> Ablations() {
  return {
      {"scale", {Scale("2", "1"), Scale("8", "2"), Scale("18", "3"), Scale("32", "4")}},
      {"proxies_per_class", {ProxiesPerClass("0.25"), ProxiesPerClass("0.5"), ProxiesPerClass("1"), ProxiesPerClass("2")}},
      {"assignment", {Assignment("static", "ASSIGNMENT_STATIC"), Assignment("dynamic", "ASSIGNMENT_DYNAMIC")}},
      {"batch_size", {BatchSize("16"), BatchSize("32"), BatchSize("64"), BatchSize("128")}},
  };
}

std::string Names() {
  return absl::StrJoin(Ablations(), ", ", [](std::string* out, const Ablation& one) { absl::StrAppend(out, one.name); });
}

absl::Status Run(const StudyOptions& options, const std::vector<Ablation>& ablations, const std::string& output) {
  const std::filesystem::path file = output;
  json report = {{"data", options.data}, {"recipe", options.recipe}, {"seeds", options.seeds}, {"ablations", json::object()}};
  for (const Ablation& ablation : ablations) {
    std::printf("%s\n", ablation.name.c_str());
    SEMBLANCE_ASSIGN_OR_RETURN(const std::vector<VariantResult> results,
                               RunStudy(options, (file.parent_path() / file.stem()).string(), ablation.variants));
    json variants = json::object();
    for (const VariantResult& result : results) {
      variants[result.name] = ToJson(result);
    }
    report["ablations"][ablation.name] = std::move(variants);
    SEMBLANCE_RETURN_IF_ERROR(WriteFileAtomically(output, report.dump(/*indent=*/1) + "\n"));
  }
  return absl::OkStatus();
}

// Returns the variants that are named, or all of them when none is named.
absl::StatusOr<std::vector<Ablation>> Choose(const std::string& list) {
  const std::vector<Ablation> all = Ablations();
  if (list.empty()) {
    return all;
  }
  std::vector<Ablation> chosen;
  for (const std::string& name : std::vector<std::string>(absl::StrSplit(list, ','))) {
    const auto found = std::find_if(all.begin(), all.end(), [&](const Ablation& one) { return one.name == name; });
    if (found == all.end()) {
      return absl::InvalidArgumentError(absl::StrCat("--ablations: there is no ", name, "; there are ", Names()));
    }
    chosen.push_back(*found);
  }
  return chosen;
}

int Main(const std::vector<std::string>& args) {
  StudyOptions options;
  std::string output = "build/bench/ablations.json";
  std::string list;
  CommandLine command("semblance-bench-ablations", "",
                      "Trains with Proxy-NCA and changes one thing at a time; recall@1 is that on unseen classes.");
  command.AddFlag("output", "FILE", "where the numbers go, as JSON", &output);
  command.AddFlag("ablations", "LIST", absl::StrCat("which; default: all of ", Names()), &list);
  AddStudyFlags(&command, &options);
  command.AddExample("semblance-bench-ablations --ablations=scale --seeds=1");
  std::vector<Ablation> ablations;
  const auto check = [&]() -> absl::Status {
    SEMBLANCE_ASSIGN_OR_RETURN(ablations, Choose(list));
    return CheckStudyOptions(&options);
  };
  return RunBenchmark(&command, args, check, [&] { return Run(options, ablations, output); });
}

}  // namespace
}  // namespace semblance::bench

int main(int argc, char** argv) {
  semblance::InitLogging(argv[0]);
  return semblance::bench::Main({argv + 1, argv + argc});
}
