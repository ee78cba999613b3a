#include "bench/convergence/training_runs.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/error.h"
#include "common/file.h"
#include "common/status_macros.h"
#include "trainer/report/training_log.h"

namespace semblance::bench {
namespace {

// The trainer's program lies beside this one.
std::string TrainerPath() {
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "semblance-trainer").string();
}

absl::StatusOr<int> RunProgram(std::vector<std::string> argv, const std::string& log_file) {
  std::vector<char*> pointers;
  pointers.reserve(argv.size() + 1);
  for (std::string& one : argv) {
    pointers.push_back(one.data());
  }
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 2, log_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, argv[0].c_str(), &actions, nullptr, pointers.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    return ErrnoError(error, argv[0]);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::optional<double> ValueOf(const trainer::LogRecord& record, absl::string_view name) {
  const auto found = std::find_if(record.values.begin(), record.values.end(),
                                  [name](const trainer::NamedValue& value) { return value.name == name; });
  return found == record.values.end() ? std::nullopt : std::optional<double>(found->value);
}

// Everything that a run depends on. Another build of the trainer makes another run.
absl::StatusOr<std::string> Identity(const std::string& config, const std::vector<std::string>& settings) {
  SEMBLANCE_ASSIGN_OR_RETURN(const std::string text, ReadFile(config));
  const auto built = std::filesystem::last_write_time(TrainerPath()).time_since_epoch().count();
  return absl::StrCat(text, absl::StrJoin(settings, "\n"), "\ntrainer of ", built, "\n");
}

absl::StatusOr<TrainingRun> ReadRun(const std::string& output) {
  const std::string file = absl::StrCat(output, "/log.jsonl");
  SEMBLANCE_ASSIGN_OR_RETURN(const std::vector<trainer::LogRecord> records, trainer::ReadTrainingLog(file));
  TrainingRun run;
  for (const trainer::LogRecord& record : records) {
    // Not every epoch is evaluated.
    if (const std::optional<double> recall = ValueOf(record, "recall/at_1"); recall.has_value()) {
      run.curve.push_back({record.step, record.seconds, *recall, ValueOf(record, "recall/validation_at_1").value_or(0)});
    }
  }
  if (run.curve.empty()) {
    return absl::InternalError(absl::StrCat(file, " has no evaluation on test examples"));
  }
  run.chosen = *std::max_element(run.curve.begin(), run.curve.end(), [](const RunPoint& a, const RunPoint& b) {
    return a.validation_recall_at_1 < b.validation_recall_at_1;
  });
  return run;
}

}  // namespace

absl::Status Train(const std::string& output, const std::string& config, const std::vector<std::string>& settings) {
  SEMBLANCE_RETURN_IF_ERROR(RemoveAll(output));
  SEMBLANCE_RETURN_IF_ERROR(RemoveAll(absl::StrCat(output, ".checkpoints")));
  std::vector<std::string> argv = {TrainerPath(), absl::StrCat("--config=", config), "--set", absl::StrCat("output_dir=", output)};
  for (const std::string& one : settings) {
    argv.insert(argv.end(), {"--set", one});
  }
  const std::string log_file = absl::StrCat(output, ".stderr");
  SEMBLANCE_ASSIGN_OR_RETURN(const int code, RunProgram(argv, log_file));
  return code == 0 ? absl::OkStatus()
                   : absl::InternalError(absl::StrCat("semblance-trainer ended with ", code, "; ", log_file, " says why"));
}

absl::StatusOr<TrainingRun> RunTrainer(const std::string& directory, const std::string& name, const std::string& config,
                                       const std::vector<std::string>& settings) {
  const std::string output = absl::StrCat(directory, "/", name);
  const std::string identity_file = absl::StrCat(output, ".run");
  SEMBLANCE_ASSIGN_OR_RETURN(const std::string identity, Identity(config, settings));
  if (const absl::StatusOr<std::string> last = ReadFile(identity_file); last.ok() && *last == identity && PathExists(output)) {
    return ReadRun(output);
  }
  SEMBLANCE_RETURN_IF_ERROR(CreateDirectories(directory));
  SEMBLANCE_RETURN_IF_ERROR(Train(output, config, settings));
  SEMBLANCE_RETURN_IF_ERROR(WriteFileAtomically(identity_file, identity));
  return ReadRun(output);
}

std::vector<RunPoint> MeanCurve(const std::vector<TrainingRun>& runs) {
  std::vector<RunPoint> mean = runs.front().curve;
  for (size_t i = 0; i < mean.size(); ++i) {
    mean[i] = {mean[i].step};
    for (const TrainingRun& run : runs) {
      const double share = 1.0 / static_cast<double>(runs.size());
      mean[i].seconds += share * run.curve[i].seconds;
      mean[i].recall_at_1 += share * run.curve[i].recall_at_1;
      mean[i].validation_recall_at_1 += share * run.curve[i].validation_recall_at_1;
    }
  }
  return mean;
}

}  // namespace semblance::bench
