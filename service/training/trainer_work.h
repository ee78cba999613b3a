// The work of a job's trainer, for its supervisor: which process to start, how to find it again, and how far it has come.
//
// Not thread-safe. Everything that is passed by pointer must outlive it.
#ifndef SEMBLANCE_SERVICE_TRAINING_TRAINER_WORK_H_
#define SEMBLANCE_SERVICE_TRAINING_TRAINER_WORK_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "semblance/storage/v1/job.pb.h"
#include "semblance/v1/server_config.pb.h"
#include "service/jobs/job_launcher.h"
#include "service/tasks/supervised_process.h"
#include "service/training/training_store.h"
#include "service/training/training_table.h"

namespace semblance::service {

class TrainerWork final : public SupervisedWork {
 public:
  TrainerWork(std::string job_id, const v1::TrainingJobsConfig* config, const TrainingStore* store, TrainingTable* table,
              JobLauncher* launcher);

  // The work is complete when there is a bundle.
  absl::StatusOr<bool> IsComplete() override;
  absl::StatusOr<std::unique_ptr<Job>> FindProcess() override;
  absl::Status OnFound() override;
  absl::StatusOr<JobSpec> PrepareStart(int attempt) override;
  absl::Status OnStarted() override;
  // Shows progress that is new.
  WorkProgress ReadProgress() override;
  absl::Status OnRetry(int attempt, const std::string& reason) override;

  // Shows all steps as done. For a trainer that has written its bundle and made some steps after its last report.
  void CompleteProgress();

 private:
  // The name of the process of the last start. It is unique among the servers that share a machine or a cluster.
  std::string ProcessName() const;

  const std::string job_id_;
  const v1::TrainingJobsConfig* const config_;
  const TrainingStore* const store_;
  TrainingTable* const table_;
  JobLauncher* const launcher_;
  // The last report of the trainer.
  storage::v1::TrainerProgress progress_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_TRAINING_TRAINER_WORK_H_
