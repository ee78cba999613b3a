#include "service/generations/build_process.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "common/file.h"
#include "common/logging.h"
#include "common/process.h"
#include "common/status_macros.h"

namespace semblance::service {
namespace {

constexpr absl::Duration kPoll = absl::Milliseconds(100);
constexpr absl::Duration kStopGrace = absl::Seconds(5);
constexpr int kMaxFruitlessStarts = 4;
constexpr absl::Duration kRestartDelay = absl::Seconds(1);

class Build {
 public:
  Build(const generation::GenerationStore& store, const std::string& id, const BuildSignals& signals,
        const std::function<void(const storage::v1::BuildProgress&)>& on_progress)
      : store_(store), id_(id), signals_(signals), on_progress_(on_progress) {}

  // Errors: DataLoss, which no other builder would mend.
  absl::StatusOr<bool> IsComplete() const {
    const auto build = store_.ReadBuild(id_);
    if (absl::IsDataLoss(build.status())) {
      return build.status();
    }
    return build.ok() && build->has_value();
  }

  absl::Status Interrupted() const {
    if (signals_.cancelled.stop_requested()) {
      return absl::CancelledError("the build was cancelled");
    }
    return signals_.stopping.stop_requested() ? absl::CancelledError("the server is shutting down") : absl::OkStatus();
  }

  void Report() {
    const absl::StatusOr<storage::v1::BuildProgress> progress = store_.ReadProgress(id_);
    if (progress.ok() && progress->step() != storage::v1::BuildProgress::STEP_UNSPECIFIED) {
      progress_ = *progress;
      on_progress_(progress_);
    }
  }

  // Waits while another process builds this generation. One that is cancelled is waited for too, for a while: it sees that by
  // itself, and its files are removed next.
  absl::Status AwaitOther() {
    absl::Time give_up = absl::InfiniteFuture();
    while (FileLock::Acquire(store_.LockPath(id_)).status().code() == absl::StatusCode::kFailedPrecondition) {
      if (signals_.cancelled.stop_requested()) {
        give_up = std::min(give_up, absl::Now() + kStopGrace);
      }
      if (signals_.stopping.stop_requested() || absl::Now() > give_up) {
        return Interrupted();
      }
      Report();
      absl::SleepFor(kPoll);
    }
    return absl::OkStatus();
  }

  // The exit code of one run.
  absl::StatusOr<int> Run(const JobSpec& spec, JobLauncher& launcher) {
    SEMBLANCE_ASSIGN_OR_RETURN(const std::unique_ptr<Job> job, launcher.Start(spec));
    while (true) {
      const std::optional<int> exit_code = job->Wait(kPoll);
      Report();
      if (exit_code.has_value()) {
        return *exit_code;
      }
      if (const absl::Status status = Interrupted(); !status.ok()) {
        job->Stop(kStopGrace);
        return status;
      }
    }
  }

  const storage::v1::BuildProgress& progress() const { return progress_; }

 private:
  const generation::GenerationStore& store_;
  const std::string id_;
  const BuildSignals signals_;
  const std::function<void(const storage::v1::BuildProgress&)>& on_progress_;
  storage::v1::BuildProgress progress_;
};

JobSpec SpecOf(const generation::GenerationStore& store, const std::string& id, const BuildProcessOptions& options) {
  JobSpec spec;
  spec.arguments = {options.builder_path, absl::StrCat("--data_dir=", options.data_dir), absl::StrCat("--generation=", id)};
  if (!options.config_path.empty()) {
    spec.arguments.push_back(absl::StrCat("--config=", options.config_path));
  }
  if (options.threads > 0) {
    spec.arguments.push_back(absl::StrCat("--threads=", options.threads));
  }
  spec.log_path = store.BuilderLogPath(id);
  return spec;
}

}  // namespace

absl::Status RunBuilder(const generation::GenerationStore& store, const std::string& generation_id,
                        const BuildProcessOptions& options, JobLauncher& launcher, const BuildSignals& signals,
                        const std::function<void(const storage::v1::BuildProgress&)>& on_progress) {
  Build build(store, generation_id, signals, on_progress);
  int fruitless = 0;
  while (true) {
    SEMBLANCE_RETURN_IF_ERROR(build.AwaitOther());
    SEMBLANCE_RETURN_IF_ERROR(build.Interrupted());
    SEMBLANCE_ASSIGN_OR_RETURN(bool complete, build.IsComplete());
    if (complete) {
      return absl::OkStatus();
    }
    const storage::v1::BuildProgress before = build.progress();
    SEMBLANCE_ASSIGN_OR_RETURN(const int exit_code, build.Run(SpecOf(store, generation_id, options), launcher));
    SEMBLANCE_ASSIGN_OR_RETURN(complete, build.IsComplete());
    if (complete) {
      return absl::OkStatus();
    }
    if (exit_code == kExitBadInput || exit_code == kExitUsage) {
      return absl::FailedPreconditionError(absl::StrCat("semblance-builder ended with ", exit_code, ": ", build.progress().error(),
                                                        "; its log is ", store.BuilderLogPath(generation_id)));
    }
    const bool progressed = build.progress().step() > before.step() || build.progress().done() > before.done();
    fruitless = progressed ? 0 : fruitless + 1;
    if (fruitless >= kMaxFruitlessStarts) {
      return absl::UnavailableError(absl::StrCat("semblance-builder ended with ", exit_code, ", the last ", fruitless,
                                                 " times without progress; its log is ", store.BuilderLogPath(generation_id)));
    }
    LOG(WARNING) << "semblance-builder of " << generation_id << " ended with " << exit_code << "; it is started again";
    absl::SleepFor(kRestartDelay);
  }
}

}  // namespace semblance::service
