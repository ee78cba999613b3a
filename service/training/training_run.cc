#include "service/training/training_run.h"

#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/digest.h"
#include "common/logging.h"
#include "common/process.h"
#include "common/status_macros.h"

namespace semblance::service {
namespace {

using google::protobuf::util::MessageDifferencer;
using storage::v1::JobRecord;
using storage::v1::TrainerProgress;

constexpr absl::Duration kPoll = absl::Milliseconds(200);
constexpr size_t kDigestChars = 8;

std::string Ended(int exit_code) {
  return exit_code == kExitUnknown ? "the trainer ended without a bundle while no server watched it"
                                   : absl::StrCat("the trainer ended with ", exit_code);
}

}  // namespace

absl::Status TrainingRun::Interrupted() const {
  if (hooks_.cancelled.stop_requested()) {
    return absl::CancelledError("cancelled");
  }
  return hooks_.stopping.stop_requested() ? absl::CancelledError("the server is shutting down") : absl::OkStatus();
}

absl::Status TrainingRun::Sleep(absl::Duration duration) const {
  const absl::Time end = absl::Now() + duration;
  while (absl::Now() < end) {
    SEMBLANCE_RETURN_IF_ERROR(Interrupted());
    absl::SleepFor(std::min(kPoll, end - absl::Now()));
  }
  return Interrupted();
}

// Unique among the servers that share a machine or a cluster, and for each start.
std::string TrainingRun::TrainerName() const {
  return absl::StrCat("semblance-", Sha256Hex(store_->CatalogPath()).substr(0, kDigestChars), "-", manifest_.id(), "-",
                      record_.start_count());
}

absl::Status TrainingRun::SetPhase(JobRecord::Phase phase, const std::string& reason) {
  record_.set_phase(phase);
  record_.set_reason(reason);
  SEMBLANCE_RETURN_IF_ERROR(store_->WriteRecord(manifest_.id(), record_));
  if (hooks_.cancelled.stop_requested()) {
    // The cancellation may have been on record before this: it has been answered.
    record_.set_phase(JobRecord::PHASE_CANCELLING);
    SEMBLANCE_RETURN_IF_ERROR(store_->WriteRecord(manifest_.id(), record_));
    return absl::CancelledError("cancelled");
  }
  hooks_.on_record(record_);
  return absl::OkStatus();
}

void TrainingRun::End(JobRecord::Phase phase, const std::string& reason) {
  hooks_.conclude();
  record_.set_phase(phase);
  record_.set_reason(reason);
  if (const absl::Status status = store_->WriteRecord(manifest_.id(), record_); !status.ok()) {
    LOG(ERROR) << "job " << manifest_.id() << ": its end is not on record, after a restart it runs again: " << status;
  }
  hooks_.on_record(record_);
}

void TrainingRun::Execute(TrainingRunHooks hooks) {
  hooks_ = std::move(hooks);
  const absl::Status status = Bring();
  if (status.ok()) {
    return;
  }
  if (hooks_.cancelled.stop_requested()) {
    StopLeftover();
    publication_->Cancel(record_);
    return End(JobRecord::PHASE_CANCELLED, "cancelled");
  }
  if (hooks_.stopping.stop_requested()) {
    return;  // It goes on after the restart.
  }
  End(JobRecord::PHASE_FAILED, std::string(status.message()));
}

absl::Status TrainingRun::Bring() {
  SEMBLANCE_RETURN_IF_ERROR(Interrupted());
  if (!store_->HasBundle(manifest_.id())) {
    SEMBLANCE_RETURN_IF_ERROR(Train());
  }
  SEMBLANCE_RETURN_IF_ERROR(SetPhase(JobRecord::PHASE_PUBLISHING, "it has trained"));
  SEMBLANCE_ASSIGN_OR_RETURN(const std::string outcome, Publish());
  End(JobRecord::PHASE_SUCCEEDED, outcome);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Job>> TrainingRun::FindTrainer() {
  if (record_.start_count() == 0) {
    return std::unique_ptr<Job>();
  }
  absl::StatusOr<std::unique_ptr<Job>> job = launcher_->Attach(TrainerName());
  if (absl::IsNotFound(job.status())) {
    return std::unique_ptr<Job>();
  }
  return job;
}

absl::StatusOr<std::unique_ptr<Job>> TrainingRun::StartTrainer() {
  record_.set_attempt(record_.attempt() + 1);
  record_.set_start_count(record_.start_count() + 1);
  SEMBLANCE_RETURN_IF_ERROR(SetPhase(JobRecord::PHASE_RUNNING, "its trainer is started"));
  const v1::TrainingJobsConfig& config = *options_.config;
  JobSpec spec;
  spec.name = TrainerName();
  spec.arguments = {config.trainer_path(), absl::StrCat("--config=", store_->ConfigPath(manifest_.id()))};
  if (launcher_->LaunchesReplicas()) {
    spec.replicas = manifest_.replicas();
  } else if (manifest_.replicas() > 1) {
    spec.arguments.push_back(absl::StrCat("--nproc=", manifest_.replicas()));
  }
  spec.log_path = store_->LogPath(manifest_.id());
  spec.priority = JobPriority::kLow;
  spec.max_memory_bytes = config.max_memory_mib() << 20;
  spec.cpus = config.cpus();
  spec.gpus = config.gpus();
  return launcher_->Start(spec);
}

absl::StatusOr<int> TrainingRun::AwaitEnd(Job& job) {
  while (true) {
    const std::optional<int> exit_code = job.Wait(kPoll);
    TrainerProgress progress = store_->ReadProgress(manifest_.id());
    if (progress.format_version() != 0 && !MessageDifferencer::Equals(progress, progress_)) {
      progress_ = std::move(progress);
      hooks_.on_progress(progress_);
    }
    if (exit_code.has_value()) {
      return *exit_code;
    }
    if (const absl::Status status = Interrupted(); !status.ok()) {
      if (hooks_.cancelled.stop_requested()) {
        job.Stop(options_.stop_grace);
      }
      return status;
    }
  }
}

void TrainingRun::CompleteProgress() {
  const absl::StatusOr<v1::TrainingConfig> config = store_->ReadConfig(manifest_.id());
  // One with patience may have ended before all steps.
  if (config.ok() && config->validation().patience() == 0 && progress_.total_steps() > 0) {
    progress_.set_step(progress_.total_steps());
    progress_.set_epoch(progress_.total_epochs());
    progress_.clear_seconds_left();
    hooks_.on_progress(progress_);
  }
}

absl::Status TrainingRun::Judge(int exit_code) {
  const std::string what = Ended(exit_code);
  const std::string error = progress_.error().empty() ? "" : absl::StrCat(": ", progress_.error());
  if (exit_code == kExitBadInput || exit_code == kExitUsage) {
    return absl::FailedPreconditionError(absl::StrCat(what, error, "; its log says more"));
  }
  if (progress_.step() > step_before_) {
    record_.set_attempt(0);
  }
  if (record_.attempt() >= options_.config->max_attempts()) {
    return absl::UnavailableError(
        absl::StrCat(what, error, ", the last ", record_.attempt(), " times without progress; its log says more"));
  }
  LOG(WARNING) << "job " << manifest_.id() << ": " << what << error << "; it is started again";
  SEMBLANCE_RETURN_IF_ERROR(SetPhase(JobRecord::PHASE_RUNNING, absl::StrCat(what, error, "; it is started again soon")));
  return Sleep(options_.retry_delay * (record_.attempt() + 1));
}

absl::StatusOr<std::unique_ptr<Job>> TrainingRun::FindOrStartTrainer() {
  SEMBLANCE_ASSIGN_OR_RETURN(std::unique_ptr<Job> found, FindTrainer());
  if (found != nullptr) {
    SEMBLANCE_RETURN_IF_ERROR(SetPhase(JobRecord::PHASE_RUNNING, "its trainer outlived a restart of the server"));
    return found;
  }
  absl::StatusOr<std::unique_ptr<Job>> started = StartTrainer();
  if (absl::IsUnavailable(started.status()) || absl::IsResourceExhausted(started.status())) {
    LOG(WARNING) << "job " << manifest_.id() << ": " << started.status();
    SEMBLANCE_RETURN_IF_ERROR(Judge(kExitTransient));
    return std::unique_ptr<Job>();
  }
  SEMBLANCE_RETURN_IF_ERROR(started.status());
  SEMBLANCE_RETURN_IF_ERROR(SetPhase(JobRecord::PHASE_RUNNING, ""));
  return started;
}

absl::Status TrainingRun::Train() {
  while (true) {
    progress_ = store_->ReadProgress(manifest_.id());
    step_before_ = progress_.step();
    SEMBLANCE_ASSIGN_OR_RETURN(const std::unique_ptr<Job> job, FindOrStartTrainer());
    if (job == nullptr) {
      continue;
    }
    SEMBLANCE_ASSIGN_OR_RETURN(const int exit_code, AwaitEnd(*job));
    if (store_->HasBundle(manifest_.id())) {
      CompleteProgress();
      return absl::OkStatus();
    }
    SEMBLANCE_RETURN_IF_ERROR(Judge(exit_code));
  }
}

absl::StatusOr<std::string> TrainingRun::Publish() {
  return publication_->Publish(manifest_, store_->BundleDir(manifest_.id()), record_,
                               {.write =
                                    [this](const JobRecord& record) {
                                      SEMBLANCE_RETURN_IF_ERROR(Interrupted());
                                      return SetPhase(JobRecord::PHASE_PUBLISHING, record.reason());
                                    },
                                .report =
                                    [this](const std::string& what) {
                                      if (what != record_.reason()) {
                                        record_.set_reason(what);
                                        hooks_.on_record(record_);
                                      }
                                    },
                                .wait = [this] { return Sleep(kPoll); }});
}

void TrainingRun::StopLeftover() {
  const absl::StatusOr<std::unique_ptr<Job>> job = FindTrainer();
  if (job.ok() && *job != nullptr) {
    (*job)->Stop(options_.stop_grace);
  }
}

}  // namespace semblance::service
