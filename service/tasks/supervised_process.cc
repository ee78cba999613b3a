#include "service/tasks/supervised_process.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/logging.h"
#include "common/program/process.h"
#include "common/status_macros.h"

namespace semblance::service {
namespace {

std::string DescribeEnd(const std::string& program, int exit_code, const std::string& error) {
  const std::string end = exit_code == kExitUnknown
                              ? absl::StrCat(program, " ended before its work was complete, while no server watched it")
                              : absl::StrCat(program, " ended with ", exit_code);
  return error.empty() ? end : absl::StrCat(end, ": ", error);
}

bool IsFurther(const WorkProgress& now, const WorkProgress& before) {
  return now.step > before.step || now.done > before.done;
}

}  // namespace

SupervisedProcess::SupervisedProcess(SupervisionOptions options, SupervisedWork* work, JobLauncher* launcher, Clock* clock)
    : options_(std::move(options)), work_(work), launcher_(launcher), clock_(clock), attempt_(options_.attempt) {}

absl::Status SupervisedProcess::RunUntilComplete(const TaskStop& stop) {
  while (true) {
    before_ = work_->ReadProgress();
    progress_ = before_;
    SEMBLANCE_ASSIGN_OR_RETURN(Running running, Find());
    if (!running.found) {
      SEMBLANCE_RETURN_IF_ERROR(stop.Check());
      SEMBLANCE_ASSIGN_OR_RETURN(const bool complete, work_->IsComplete());
      if (complete) {
        return absl::OkStatus();
      }
      SEMBLANCE_ASSIGN_OR_RETURN(running, Start());
    }
    int exit_code = kExitTransient;
    if (running.job != nullptr) {
      SEMBLANCE_ASSIGN_OR_RETURN(exit_code, AwaitEnd(running, stop));
    }
    SEMBLANCE_ASSIGN_OR_RETURN(const bool complete, work_->IsComplete());
    if (complete) {
      return absl::OkStatus();
    }
    SEMBLANCE_RETURN_IF_ERROR(AwaitRetry(exit_code, stop));
  }
}

absl::StatusOr<SupervisedProcess::Running> SupervisedProcess::Find() {
  SEMBLANCE_ASSIGN_OR_RETURN(std::unique_ptr<Job> job, work_->FindProcess());
  if (job == nullptr) {
    return Running();
  }
  SEMBLANCE_RETURN_IF_ERROR(work_->OnFound());
  return Running{.job = std::move(job), .found = true};
}

absl::StatusOr<SupervisedProcess::Running> SupervisedProcess::Start() {
  ++attempt_;
  SEMBLANCE_ASSIGN_OR_RETURN(const JobSpec spec, work_->PrepareStart(attempt_));
  absl::StatusOr<std::unique_ptr<Job>> job = launcher_->Start(spec);
  if (absl::IsUnavailable(job.status()) || absl::IsResourceExhausted(job.status())) {
    LOG(WARNING) << options_.program << " cannot be started now: " << job.status();
    return Running();
  }
  SEMBLANCE_RETURN_IF_ERROR(job.status());
  SEMBLANCE_RETURN_IF_ERROR(work_->OnStarted());
  return Running{.job = *std::move(job), .found = false};
}

absl::StatusOr<int> SupervisedProcess::AwaitEnd(const Running& running, const TaskStop& stop) {
  while (true) {
    const std::optional<int> exit_code = running.job->Wait(options_.report_interval);
    progress_ = work_->ReadProgress();
    if (exit_code.has_value()) {
      return *exit_code;
    }
    if (const absl::Status status = stop.Check(); !status.ok()) {
      if (stop.cancelled() || (options_.stop_at_shutdown && !running.found)) {
        running.job->Stop(options_.stop_grace);
      }
      return status;
    }
  }
}

absl::Status SupervisedProcess::AwaitRetry(int exit_code, const TaskStop& stop) {
  const std::string end = DescribeEnd(options_.program, exit_code, progress_.error);
  if (exit_code == kExitBadInput || exit_code == kExitUsage) {
    return absl::FailedPreconditionError(absl::StrCat(end, "; ", options_.hint));
  }
  if (IsFurther(progress_, before_)) {
    attempt_ = 0;
  }
  if (attempt_ >= options_.max_attempts) {
    return absl::UnavailableError(absl::StrCat(end, ", the last ", attempt_, " times without progress; ", options_.hint));
  }
  LOG(WARNING) << end << "; it is started again";
  SEMBLANCE_RETURN_IF_ERROR(work_->OnRetry(attempt_, end));
  clock_->WaitUntil(clock_->Now() + options_.retry_delay * (attempt_ + 1), stop.token());
  return stop.Check();
}

void SupervisedProcess::StopLeftover() {
  const absl::StatusOr<std::unique_ptr<Job>> job = work_->FindProcess();
  if (!job.ok()) {
    LOG(WARNING) << "a process of " << options_.program << " may still run: " << job.status();
  } else if (*job != nullptr) {
    (*job)->Stop(options_.stop_grace);
  }
}

}  // namespace semblance::service
