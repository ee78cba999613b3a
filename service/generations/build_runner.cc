#include "service/generations/build_runner.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/file.h"
#include "common/status_macros.h"
#include "service/tasks/supervised_process.h"

namespace semblance::service {
namespace {

using generation::GenerationStore;
using storage::v1::BuildProgress;

constexpr absl::Duration kLockInterval = absl::Milliseconds(100);
constexpr absl::Duration kStopGrace = absl::Seconds(5);
constexpr int kMaxAttempts = 4;

// A builder that another process has started. The lock that it holds shows that it runs. There is no event for the release of the
// lock, so waits check it repeatedly.
class LockHolder final : public Job {
 public:
  explicit LockHolder(std::string lock_path) : lock_path_(std::move(lock_path)) {}

  bool Runs() const { return FileLock::Acquire(lock_path_).status().code() == absl::StatusCode::kFailedPrecondition; }

  std::optional<int> Wait(absl::Duration limit) override {
    const absl::Time deadline = absl::Now() + limit;
    while (Runs()) {
      const absl::Duration left = deadline - absl::Now();
      if (left <= absl::ZeroDuration()) {
        return std::nullopt;
      }
      absl::SleepFor(std::min(left, kLockInterval));
    }
    return kExitUnknown;
  }

  // The builder sees the generation's `cancel` file by itself. This waits for its end, because its files are removed next.
  void Stop(absl::Duration grace) override { Wait(grace); }

 private:
  const std::string lock_path_;
};

// The work of a builder, for its supervisor.
class BuildWork final : public SupervisedWork {
 public:
  BuildWork(const BuildRunnerOptions& options, const GenerationStore& store, const std::string& id,
            const BuildRunner::OnProgress& on_progress)
      : options_(options), store_(store), id_(id), on_progress_(on_progress) {}

  absl::StatusOr<bool> IsComplete() override {
    const auto build = store_.ReadBuild(id_);
    if (absl::IsDataLoss(build.status())) {
      return build.status();
    }
    return build.ok() && build->has_value();
  }

  absl::StatusOr<std::unique_ptr<Job>> FindProcess() override {
    auto holder = std::make_unique<LockHolder>(store_.LockPath(id_));
    return holder->Runs() ? std::unique_ptr<Job>(std::move(holder)) : nullptr;
  }
  absl::Status OnFound() override {
    watching_ = true;
    return absl::OkStatus();
  }

  absl::StatusOr<JobSpec> PrepareStart(int /*attempt*/) override {
    JobSpec spec;
    spec.arguments = {options_.builder_path, absl::StrCat("--data_dir=", options_.data_dir), absl::StrCat("--generation=", id_)};
    if (!options_.config_path.empty()) {
      spec.arguments.push_back(absl::StrCat("--config=", options_.config_path));
    }
    if (options_.threads > 0) {
      spec.arguments.push_back(absl::StrCat("--threads=", options_.threads));
    }
    spec.log_path = store_.BuilderLogPath(id_);
    return spec;
  }
  absl::Status OnStarted() override {
    watching_ = true;
    return absl::OkStatus();
  }

  WorkProgress ReadProgress() override {
    const absl::StatusOr<BuildProgress> progress = store_.ReadProgress(id_);
    if (progress.ok() && progress->step() != BuildProgress::STEP_UNSPECIFIED) {
      progress_ = *progress;
      if (watching_) {
        on_progress_(progress_);
      }
    }
    return {.step = progress_.step(), .done = progress_.done(), .error = progress_.error()};
  }
  absl::Status OnRetry(int /*attempt*/, const std::string& /*reason*/) override { return absl::OkStatus(); }

 private:
  const BuildRunnerOptions& options_;
  const GenerationStore& store_;
  const std::string id_;
  const BuildRunner::OnProgress& on_progress_;
  // False until the builder runs. Until then, the progress file is that of a builder which has ended.
  bool watching_ = false;
  BuildProgress progress_;
};

}  // namespace

absl::Status BuildRunner::RunUntilComplete(const std::string& generation_id, const TaskStop& stop,
                                           const OnProgress& on_progress) const {
  BuildWork work(options_, *store_, generation_id, on_progress);
  SupervisionOptions supervision;
  supervision.program = "semblance-builder";
  supervision.hint = absl::StrCat("its log is ", store_->BuilderLogPath(generation_id));
  supervision.max_attempts = kMaxAttempts;
  supervision.retry_delay = options_.retry_delay;
  supervision.stop_grace = kStopGrace;
  // The builder is stopped, because it would take processor time from the next server while that starts.
  supervision.stop_at_shutdown = true;
  return SupervisedProcess(supervision, &work, launcher_, clock_).RunUntilComplete(stop);
}

}  // namespace semblance::service
