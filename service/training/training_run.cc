#include "service/training/training_run.h"

#include "common/status_macros.h"

namespace semblance::service {
namespace {

using storage::v1::JobRecord;

constexpr absl::Duration kReportInterval = absl::Milliseconds(200);

SupervisionOptions SupervisionOf(const TrainingRunOptions& options, const std::string& id) {
  SupervisionOptions supervision;
  supervision.program = "the trainer";
  supervision.hint = "its log says more";
  supervision.max_attempts = options.config->max_attempts();
  supervision.attempt = options.table->Record(id).attempt();
  supervision.retry_delay = options.retry_delay;
  supervision.stop_grace = options.stop_grace;
  supervision.report_interval = kReportInterval;
  return supervision;
}

}  // namespace

TrainingRun::TrainingRun(const TrainingRunOptions& options, DurableQueue::Task* task)
    : options_(options),
      task_(task),
      id_(task->id()),
      work_(task->id(), options.config, options.store, options.table, options.launcher),
      trainer_(SupervisionOf(options, task->id()), &work_, options.launcher, options.clock) {}

bool TrainingRun::IsCancelling() const {
  const absl::StatusOr<TrainingInfo> info = options_.table->Find(id_);
  return info.ok() && info->state == TrainingState::kCancelling;
}

void TrainingRun::Execute() {
  if (IsCancelling()) {
    return FinishCancellation();
  }
  const absl::StatusOr<std::string> outcome = TrainAndPublish();
  // The table decides whether the job was cancelled: its state changes before the task is asked to stop.
  if (IsCancelling()) {
    return FinishCancellation();
  }
  if (!outcome.ok() && task_->stop().shutting_down()) {
    return;  // The next server resumes it.
  }
  const bool ended = outcome.ok() ? End(TrainingState::kSucceeded, *outcome)
                                  : End(TrainingState::kFailed, std::string(outcome.status().message()));
  if (!ended) {
    FinishCancellation();
  }
}

bool TrainingRun::End(TrainingState state, const std::string& reason) {
  // Before observers are told, because an observer may resume the job at once.
  task_->Close();
  return options_.table->End(id_, state, reason).ok();
}

void TrainingRun::FinishCancellation() {
  trainer_.StopLeftover();
  options_.publication->Cancel(options_.table->Record(id_));
  End(TrainingState::kCancelled, "cancelled");
}

absl::StatusOr<std::string> TrainingRun::TrainAndPublish() {
  SEMBLANCE_RETURN_IF_ERROR(task_->stop().Check());
  if (!options_.store->HasBundle(id_)) {
    SEMBLANCE_RETURN_IF_ERROR(trainer_.RunUntilComplete(task_->stop()));
    work_.CompleteProgress();
  }
  SEMBLANCE_RETURN_IF_ERROR(options_.table->Transition(id_, TrainingState::kPublishing, "it has trained"));
  return Publish();
}

absl::StatusOr<std::string> TrainingRun::Publish() {
  JobRecord record = options_.table->Record(id_);
  return options_.publication->Publish(options_.table->Manifest(id_), options_.store->BundleDir(id_), record,
                                       {.write =
                                            [this](const JobRecord& next) {
                                              return options_.table->Transition(id_, TrainingState::kPublishing,
                                                                                options_.table->Record(id_).reason(),
                                                                                [&next](JobRecord& changed) {
                                                                                  changed.set_model(next.model());
                                                                                  changed.set_generation(next.generation());
                                                                                });
                                            },
                                        .report = [this](const std::string& what) { options_.table->ShowReason(id_, what); },
                                        .stop = &task_->stop()});
}

}  // namespace semblance::service
