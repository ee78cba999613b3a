#include "service/training/trainer_work.h"

#include <google/protobuf/util/message_differencer.h>

#include "absl/strings/str_cat.h"
#include "common/digest.h"
#include "common/status_macros.h"

namespace semblance::service {
namespace {

using google::protobuf::util::MessageDifferencer;
using storage::v1::JobManifest;
using storage::v1::JobRecord;
using storage::v1::TrainerProgress;

constexpr size_t kDigestChars = 8;

}  // namespace

TrainerWork::TrainerWork(std::string job_id, const v1::TrainingJobsConfig* config, const TrainingStore* store, TrainingTable* table,
                         JobLauncher* launcher)
    : job_id_(std::move(job_id)), config_(config), store_(store), table_(table), launcher_(launcher) {}

std::string TrainerWork::ProcessName() const {
  return absl::StrCat("semblance-", Sha256Hex(store_->CatalogPath()).substr(0, kDigestChars), "-", job_id_, "-",
                      table_->Record(job_id_).start_count());
}

absl::StatusOr<bool> TrainerWork::IsComplete() {
  return store_->HasBundle(job_id_);
}

absl::StatusOr<std::unique_ptr<Job>> TrainerWork::FindProcess() {
  if (table_->Record(job_id_).start_count() == 0) {
    return std::unique_ptr<Job>();
  }
  absl::StatusOr<std::unique_ptr<Job>> job = launcher_->Attach(ProcessName());
  if (absl::IsNotFound(job.status())) {
    return std::unique_ptr<Job>();
  }
  return job;
}

absl::Status TrainerWork::OnFound() {
  return table_->Transition(job_id_, TrainingState::kRunning, "its trainer outlived a restart of the server");
}

absl::StatusOr<JobSpec> TrainerWork::PrepareStart(int attempt) {
  // The name must be on disk before a process has it, or a restarted server could not find the process.
  SEMBLANCE_RETURN_IF_ERROR(
      table_->Transition(job_id_, TrainingState::kRunning, "its trainer is started", [attempt](JobRecord& record) {
        record.set_attempt(attempt);
        record.set_start_count(record.start_count() + 1);
      }));
  const JobManifest manifest = table_->Manifest(job_id_);
  JobSpec spec;
  spec.name = ProcessName();
  spec.arguments = {config_->trainer_path(), absl::StrCat("--config=", store_->ConfigPath(job_id_))};
  if (launcher_->LaunchesReplicas()) {
    spec.replicas = manifest.replicas();
  } else if (manifest.replicas() > 1) {
    spec.arguments.push_back(absl::StrCat("--nproc=", manifest.replicas()));
  }
  spec.log_path = store_->LogPath(job_id_);
  spec.priority = JobPriority::kLow;
  spec.max_memory_bytes = config_->max_memory_mib() << 20;
  spec.cpus = config_->cpus();
  spec.gpus = config_->gpus();
  return spec;
}

absl::Status TrainerWork::OnStarted() {
  return table_->Transition(job_id_, TrainingState::kRunning, "");
}

WorkProgress TrainerWork::ReadProgress() {
  TrainerProgress progress = store_->ReadProgress(job_id_);
  if (progress.format_version() != 0 && !MessageDifferencer::Equals(progress, progress_)) {
    progress_ = std::move(progress);
    table_->ShowProgress(job_id_, progress_);
  }
  return {.step = 0, .done = progress_.step(), .error = progress_.error()};
}

absl::Status TrainerWork::OnRetry(int attempt, const std::string& reason) {
  return table_->Transition(job_id_, TrainingState::kRunning, absl::StrCat(reason, "; it is started again soon"),
                            [attempt](JobRecord& record) { record.set_attempt(attempt); });
}

void TrainerWork::CompleteProgress() {
  const absl::StatusOr<v1::TrainingConfig> config = store_->ReadConfig(job_id_);
  // A trainer with patience may end before all steps are made.
  if (config.ok() && config->validation().patience() == 0 && progress_.total_steps() > 0) {
    progress_.set_step(progress_.total_steps());
    progress_.set_epoch(progress_.total_epochs());
    progress_.clear_seconds_left();
    table_->ShowProgress(job_id_, progress_);
  }
}

}  // namespace semblance::service
