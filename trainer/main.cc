// semblance-trainer: trains an embedding network with proxies on labeled images and writes a model bundle.
#include <csignal>
#include <cstdio>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/logging.h"
#include "common/program/command_line.h"
#include "common/program/process.h"
#include "common/program/stop_signals.h"
#include "common/status_macros.h"
#include "config/training_config.h"
#include "trainer/local_ranks.h"
#include "trainer/training_run.h"

namespace {

constexpr char kSummary[] =
    "Learns what \"similar\" means for labeled images and writes a model bundle.\n"
    "The fields of the configuration are explained in proto/semblance/v1/training_config.proto.\n"
    "Exit codes: 0 done, 2 usage, 42 bad configuration or data, 75 try again, 143 stopped by SIGTERM after a\n"
    "checkpoint, from which the same command resumes.";

constexpr int kMaxLocalRanks = 64;

constexpr const char* kExamples[] = {
    ("semblance-trainer --config=examples/fashion_mnist.textproto"
     " --set data.path=/usr/share/datasets/fashion-mnist --set output_dir=models/fashion"),
    "semblance-trainer --config=mine.textproto --set epochs=3 --set optimizer.learning_rate=0.0005",
    "semblance-trainer --config=mine.textproto --set model.convnet_channels=64,128,256 --set device=cuda",
};

absl::Status Train(const std::string& config_file, const std::vector<std::string>& overrides, const std::stop_token& stop) {
  SEMBLANCE_ASSIGN_OR_RETURN(const semblance::v1::TrainingConfig config,
                             semblance::config::LoadTrainingConfig(config_file, overrides));
  return semblance::trainer::RunTraining(config, stop);
}

void PrintError(const absl::Status& status) {
  std::fprintf(stderr, "semblance-trainer: %s\n", std::string(status.message()).c_str());
}

semblance::ExitCode ExitCodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return semblance::kExitDone;
    case absl::StatusCode::kCancelled:
      return semblance::kExitTerminated;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kResourceExhausted:
      return semblance::kExitTransient;
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
      return semblance::kExitFailed;
    default:
      return semblance::kExitBadInput;
  }
}

// Checks the config before it starts the ranks, so that its errors are printed once.
int TrainWithRanks(int ranks, const std::string& config_file, const std::vector<std::string>& overrides,
                   const std::stop_token& stop) {
  const absl::Status valid = semblance::config::LoadTrainingConfig(config_file, overrides).status();
  if (!valid.ok()) {
    PrintError(valid);
    return ExitCodeOf(valid);
  }
  std::vector<std::string> arguments = {absl::StrCat("--config=", config_file)};
  for (const std::string& one : overrides) {
    arguments.insert(arguments.end(), {"--set", one});
  }
  const absl::StatusOr<int> code = semblance::trainer::RunLocalRanks(ranks, arguments, stop);
  if (!code.ok()) {
    PrintError(code.status());
    return ExitCodeOf(code.status());
  }
  return *code;
}

}  // namespace

int main(int argc, char** argv) {
  semblance::TuneForCompute(argv);
  semblance::InitLogging(argv[0]);
  std::string config_file;
  std::vector<std::string> overrides;
  int ranks = 1;
  semblance::CommandLine command("semblance-trainer", "", kSummary);
  command.AddFlag("config", "FILE", "the configuration, semblance.v1.TrainingConfig in text format", &config_file);
  command.AddFlag("nproc", "N", "data-parallel training by N processes on this machine; torchrun's environment works too", &ranks);
  command.AddRepeatedFlag("set", "FIELD=VALUE", "changes one field of it; lists are separated by commas", &overrides);
  for (const char* const example : kExamples) {
    command.AddExample(example);
  }

  absl::Status status = command.Parse(std::vector<std::string>(argv + 1, argv + argc)).status();
  if (!command.requested_text().empty()) {
    std::fputs(command.requested_text().c_str(), stdout);
    return semblance::kExitDone;
  }
  if (status.ok() && config_file.empty()) {
    status = absl::InvalidArgumentError("--config=FILE is missing; see --help");
  }
  if (status.ok() && (ranks < 1 || ranks > kMaxLocalRanks)) {
    status = absl::InvalidArgumentError(absl::StrCat("--nproc is ", ranks, "; expected 1 to ", kMaxLocalRanks));
  }
  if (!status.ok()) {
    PrintError(status);
    return semblance::kExitUsage;
  }
  // Repeated, because a signal to the process group and the one that a launcher sends both arrive.
  const semblance::StopSignals signals({SIGTERM}, semblance::StopSignals::Repeated::kIgnored);
  if (ranks > 1) {
    return TrainWithRanks(ranks, config_file, overrides, signals.token());
  }
  status = Train(config_file, overrides, signals.token());
  if (!status.ok()) {
    PrintError(status);
  }
  return ExitCodeOf(status);
}
