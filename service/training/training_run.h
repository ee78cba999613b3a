// One run of a training job: supervises its trainer until there is a bundle, and publishes that.
//
// Not thread-safe. Execute returns when the job has ended, or soon after the server is asked to stop. The trainer outlives the
// server, and the next server's run finds it.
#ifndef SEMBLANCE_SERVICE_TRAINING_TRAINING_RUN_H_
#define SEMBLANCE_SERVICE_TRAINING_TRAINING_RUN_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "semblance/v1/server_config.pb.h"
#include "service/jobs/job_launcher.h"
#include "service/tasks/durable_queue.h"
#include "service/tasks/supervised_process.h"
#include "service/training/trainer_work.h"
#include "service/training/training_publication.h"
#include "service/training/training_store.h"
#include "service/training/training_table.h"

namespace semblance::service {

// The part that all runs of a server have in common. Everything that is pointed to must outlive the runs.
struct TrainingRunOptions {
  const v1::TrainingJobsConfig* config = nullptr;
  const TrainingStore* store = nullptr;
  TrainingTable* table = nullptr;
  JobLauncher* launcher = nullptr;
  const TrainingPublication* publication = nullptr;
  Clock* clock = nullptr;
  // How long a trainer may take to write its checkpoint before it is killed.
  absl::Duration stop_grace;
  // The next attempt waits so long times one more than the number of attempts so far.
  absl::Duration retry_delay;
};

class TrainingRun {
 public:
  // `task` must outlive the run. REQUIRES: the table has the job, undamaged.
  TrainingRun(const TrainingRunOptions& options, DurableQueue::Task* task);

  void Execute();

 private:
  // Returns in words what became of the model.
  absl::StatusOr<std::string> TrainAndPublish();
  absl::StatusOr<std::string> Publish();
  // A client has cancelled the job, in this server or an earlier one.
  bool IsCancelling() const;
  void FinishCancellation();
  // Moves the job to its last state. False when a cancellation came first.
  bool End(TrainingState state, const std::string& reason);

  const TrainingRunOptions options_;
  DurableQueue::Task* const task_;
  const std::string& id_;
  TrainerWork work_;
  SupervisedProcess trainer_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_TRAINING_TRAINING_RUN_H_
