// One job on its way: starts its trainer, or takes up the one that runs, until there is a bundle, and publishes that.
//
// Not thread-safe. Execute returns when the job has ended, or soon after the server is to stop: then its trainer runs on.
#ifndef SEMBLANCE_SERVICE_TRAINING_TRAINING_RUN_H_
#define SEMBLANCE_SERVICE_TRAINING_TRAINING_RUN_H_

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "semblance/storage/v1/job.pb.h"
#include "semblance/v1/server_config.pb.h"
#include "service/jobs/job_launcher.h"
#include "service/training/training_publication.h"
#include "service/training/training_store.h"

namespace semblance::service {

struct TrainingRunOptions {
  const v1::TrainingJobsConfig* config = nullptr;
  // How long a trainer may take to write its checkpoint before it is killed.
  absl::Duration stop_grace;
  // How long the next attempt waits, times the number of attempts so far.
  absl::Duration retry_delay;
};

struct TrainingRunHooks {
  // The job is not wanted any more.
  std::stop_token cancelled;
  // The server ends.
  std::stop_token stopping;
  // After every change of the record, once it is durable.
  std::function<void(const storage::v1::JobRecord&)> on_record;
  std::function<void(const storage::v1::TrainerProgress&)> on_progress;
  // Before the end is on record: from then on it cannot be cancelled.
  std::function<void()> conclude;
};

class TrainingRun {
 public:
  // What it points to must outlive it.
  TrainingRun(const TrainingRunOptions& options, const TrainingStore* store, JobLauncher* launcher,
              const TrainingPublication* publication, storage::v1::JobManifest manifest, storage::v1::JobRecord record)
      : options_(options),
        store_(store),
        launcher_(launcher),
        publication_(publication),
        manifest_(std::move(manifest)),
        record_(std::move(record)) {}

  void Execute(TrainingRunHooks hooks);

 private:
  // To its end, or an error: Cancelled where it is not wanted any more or the server ends.
  absl::Status Bring();
  absl::Status Train();
  absl::StatusOr<std::unique_ptr<Job>> StartTrainer();
  // The trainer that an earlier server started; null where there is none.
  absl::StatusOr<std::unique_ptr<Job>> FindTrainer();
  // Null: it could not be started just now, and is to be tried again.
  absl::StatusOr<std::unique_ptr<Job>> FindOrStartTrainer();
  // Its exit code.
  absl::StatusOr<int> AwaitEnd(Job& job);
  // The last steps may have been made since the trainer reported.
  void CompleteProgress();
  // What an exit without a bundle means: an error where there is nothing more to be done.
  absl::Status Judge(int exit_code);
  absl::StatusOr<std::string> Publish();
  // A trainer may run that an earlier server started; it is not wanted any more.
  void StopLeftover();

  absl::Status Interrupted() const;
  // Waits, but not on when it is interrupted.
  absl::Status Sleep(absl::Duration duration) const;
  std::string TrainerName() const;
  absl::Status SetPhase(storage::v1::JobRecord::Phase phase, const std::string& reason);
  void End(storage::v1::JobRecord::Phase phase, const std::string& reason);

  const TrainingRunOptions options_;
  const TrainingStore* const store_;
  JobLauncher* const launcher_;
  const TrainingPublication* const publication_;
  const storage::v1::JobManifest manifest_;
  storage::v1::JobRecord record_;
  TrainingRunHooks hooks_;
  // Of the attempt that runs, or ran last.
  storage::v1::TrainerProgress progress_;
  // Steps that were done when the attempt began.
  int64_t step_before_ = 0;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_TRAINING_TRAINING_RUN_H_
