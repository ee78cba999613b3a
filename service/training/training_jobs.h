// The TrainingController of the server; see there.
//
// Thread-safe. Call Start once; until it has returned, methods answer Unavailable/NO_ACTIVE_GENERATION. Shutdown leaves trainers
// running, and the next server finds them. Everything that is passed by pointer must outlive it.
//
// It has as many workers as jobs may run at once. Each worker takes the job that has waited longest, and stays with it to its end.
#ifndef SEMBLANCE_SERVICE_TRAINING_TRAINING_JOBS_H_
#define SEMBLANCE_SERVICE_TRAINING_TRAINING_JOBS_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/threads/mutex.h"
#include "semblance/v1/server_config.pb.h"
#include "service/jobs/job_launcher.h"
#include "service/models/rooted_path.h"
#include "service/tasks/durable_queue.h"
#include "service/training/training_controller.h"
#include "service/training/training_publication.h"
#include "service/training/training_store.h"
#include "service/training/training_table.h"

namespace semblance::service {

struct TrainingJobsOptions {
  PathRoot data_root;
  // Complete (see CompleteServerConfig).
  v1::TrainingJobsConfig config;
  // Returns true when at least one item of the catalog has a label.
  std::function<bool()> has_labeled_items;
  // How long a trainer may take to write its checkpoint before it is killed.
  absl::Duration stop_grace = absl::Seconds(28);
  // The next attempt waits so long times one more than the number of attempts so far.
  absl::Duration retry_delay = absl::Seconds(5);
};

class TrainingJobs final : public TrainingController {
 public:
  TrainingJobs(TrainingJobsOptions options, TrainingStore store, JobLauncher* launcher, const TrainingPublication* publication,
               Clock* clock);
  ~TrainingJobs() override;

  // Reads the jobs on the disk and resumes those that have not ended. Errors: those of the store.
  absl::Status Start();
  // Refuses new commands, and returns when no worker runs any more. May be called again.
  void Shutdown() { queue_.Shutdown(); }

  absl::StatusOr<TrainingInfo> Create(const TrainingSpec& spec) override;
  absl::StatusOr<TrainingInfo> Get(const std::string& id) const override;
  absl::StatusOr<std::vector<TrainingInfo>> List() const override;
  absl::StatusOr<TrainingInfo> Cancel(const std::string& id) override;
  absl::StatusOr<TrainingInfo> Resume(const std::string& id) override;
  absl::Status Delete(const std::string& id) override;
  absl::StatusOr<LogLines> ReadLog(const std::string& id, int64_t offset, int max_lines) const override;
  absl::StatusOr<int64_t> AddObserver(const std::string& id, Observer observer) override;
  void RemoveObserver(int64_t token) override { table_.RemoveObserver(token); }

 private:
  // The job that an earlier request with this id has made; nullopt when the request is new.
  absl::StatusOr<std::optional<TrainingInfo>> FindRequest(const std::string& request_id, const std::string& digest) const;
  // The config that the job's trainer gets. Errors: see TrainingController::Create.
  absl::StatusOr<v1::TrainingConfig> CheckedConfig(const TrainingSpec& spec) const;
  void Run(DurableQueue::Task& task);

  const TrainingJobsOptions options_;
  const TrainingStore store_;
  JobLauncher* const launcher_;
  const TrainingPublication* const publication_;
  Clock* const clock_;
  TrainingTable table_;

  // One Create, Cancel, Resume or Delete at a time.
  Mutex command_mutex_;
  // Last: its workers use everything above.
  DurableQueue queue_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_TRAINING_TRAINING_JOBS_H_
