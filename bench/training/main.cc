// semblance-bench-training measures images per second of semblance-trainer's loop and of the same loop in Python with PyTorch.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "bench/benchmark_program.h"
#include "bench/training/contestants.h"
#include "bench/training/image_folders.h"
#include "common/file.h"
#include "common/logging.h"
#include "common/program/command_line.h"
#include "common/status_macros.h"
#include "common/threads/thread_pool.h"

namespace semblance::bench {
namespace {

using nlohmann::json;

struct Flags {
  std::string output = "build/bench/training.json";
  std::string data;
  std::string network;
  int rounds = 3;
};

// With these sizes, the bench takes five minutes in all on two cores of 2021.
std::vector<TrainingCase> Cases() {
  TrainingCase convnet;
  convnet.network = "small_convnet";
  convnet.side = 64;
  convnet.batch = 64;
  convnet.classes = 32;
  convnet.images = 512;
  convnet.epochs = 2;
  convnet.threads = CoreCount();
  TrainingCase resnet = convnet;
  resnet.network = "resnet18";
  resnet.side = 224;
  resnet.batch = 32;
  resnet.images = 64;
  return {convnet, resnet};
}

// The images per second of each round.
struct Rounds {
  std::vector<double> trainer;
  std::vector<double> python;
  std::vector<double> python_channels_last;
};

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

// The contestants alternate, because the load of the machine changes.
absl::StatusOr<Rounds> MeasureLoops(const TrainingCase& one, const std::string& images, const std::string& directory, int count) {
  Rounds rounds;
  for (int round = 1; round <= count; ++round) {
    SEMBLANCE_ASSIGN_OR_RETURN(rounds.trainer.emplace_back(), MeasureTrainer(one, images, directory));
    SEMBLANCE_ASSIGN_OR_RETURN(rounds.python.emplace_back(), MeasurePython(one, /*channels_last=*/false));
    SEMBLANCE_ASSIGN_OR_RETURN(rounds.python_channels_last.emplace_back(), MeasurePython(one, /*channels_last=*/true));
    std::printf("%s\n", absl::StrFormat("%s, round %d of %d: %.1f images/s; Python %.1f, channels-last %.1f", one.network, round,
                                        count, rounds.trainer.back(), rounds.python.back(), rounds.python_channels_last.back())
                            .c_str());
  }
  return rounds;
}

absl::StatusOr<json> MeasureCase(const TrainingCase& one, const Flags& flags, const std::string& directory) {
  const std::string images = absl::StrCat(directory, "/", one.network, "_images");
  SEMBLANCE_RETURN_IF_ERROR(
      WriteImageFolder(images, {.images = one.images, .classes = one.classes, .side = one.side, .source = flags.data}));
  SEMBLANCE_ASSIGN_OR_RETURN(const Rounds rounds, MeasureLoops(one, images, directory, flags.rounds));
  SEMBLANCE_ASSIGN_OR_RETURN(const double pipeline, MeasureLoader(one, images, /*crops_and_colors=*/false));
  SEMBLANCE_ASSIGN_OR_RETURN(const double costly_pipeline, MeasureLoader(one, images, /*crops_and_colors=*/true));
  const double own = Median(rounds.trainer);
  const double python = Median(rounds.python);
  const double channels_last = Median(rounds.python_channels_last);
  return json{{"network", one.network},
              {"side", one.side},
              {"batch", one.batch},
              {"threads", one.threads},
              {"images_per_second", own},
              {"images_per_second_python", python},
              {"images_per_second_python_channels_last", channels_last},
              {"ratio", own / python},
              {"ratio_channels_last", own / channels_last},
              {"pipeline_images_per_second", pipeline},
              {"pipeline_images_per_second_crops_and_colours", costly_pipeline},
              {"rounds", rounds.trainer},
              {"rounds_python", rounds.python},
              {"rounds_python_channels_last", rounds.python_channels_last}};
}

void PrintTable(const json& cases) {
  std::printf("\nimages/s, medians\n%-14s %9s %9s %9s %7s %9s %9s\n", "network", "trainer", "Python", "(ch.last)", "ratio",
              "loader", "(crops)");
  for (const json& one : cases) {
    std::printf("%s\n", absl::StrFormat("%-14s %9.1f %9.1f %9.1f %7.2f %9.0f %9.0f", one["network"].get<std::string>(),
                                        one["images_per_second"].get<double>(), one["images_per_second_python"].get<double>(),
                                        one["images_per_second_python_channels_last"].get<double>(), one["ratio"].get<double>(),
                                        one["pipeline_images_per_second"].get<double>(),
                                        one["pipeline_images_per_second_crops_and_colours"].get<double>())
                            .c_str());
  }
}

absl::Status Run(const Flags& flags) {
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  const std::string directory = std::filesystem::absolute(flags.output).replace_extension("").string();
  json cases = json::array();
  for (const TrainingCase& one : Cases()) {
    if (!flags.network.empty() && flags.network != one.network) {
      continue;
    }
    SEMBLANCE_ASSIGN_OR_RETURN(json result, MeasureCase(one, flags, directory));
    cases.push_back(std::move(result));
    SEMBLANCE_RETURN_IF_ERROR(WriteFileAtomically(flags.output, json{{"cases", cases}}.dump(/*indent=*/1) + "\n"));
  }
  PrintTable(cases);
  return absl::OkStatus();
}

int Main(const std::vector<std::string>& args) {
  Flags flags;
  CommandLine command("semblance-bench-training", "",
                      "Trains the small convnet and ResNet-18 with semblance-trainer and with PyTorch in Python, in turns.");
  command.AddFlag("output", "FILE", "where the numbers go, as JSON; images and runs go beside it", &flags.output);
  command.AddFlag("data", "PATH", "a data set whose images the trainer takes; default: generated ones", &flags.data);
  command.AddFlag("network", "NAME", "small_convnet or resnet18; default: both", &flags.network);
  command.AddFlag("rounds", "N", "of each loop", &flags.rounds);
  command.AddExample("semblance-bench-training --network=resnet18 --rounds=1");
  const auto check = [&] {
    return flags.rounds >= 1 ? absl::OkStatus()
                             : absl::InvalidArgumentError(absl::StrCat("--rounds is ", flags.rounds, "; expected 1 or more"));
  };
  return RunBenchmark(&command, args, check, [&] { return Run(flags); });
}

}  // namespace
}  // namespace semblance::bench

int main(int argc, char** argv) {
  semblance::InitLogging(argv[0]);
  return semblance::bench::Main({argv + 1, argv + argc});
}
