// The TrainingController of the server; see there.
//
// Thread-safe. Start once; until it has returned methods answer Unavailable/NO_ACTIVE_GENERATION. Shutdown leaves trainers running:
// the next server takes them up. What it is given must outlive it.
//
// As many threads as jobs may run at once; each takes the job that has waited longest, to its end.
#ifndef SEMBLANCE_SERVICE_TRAINING_TRAINING_JOBS_H_
#define SEMBLANCE_SERVICE_TRAINING_TRAINING_JOBS_H_

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "common/threads/mutex.h"
#include "semblance/v1/server_config.pb.h"
#include "service/jobs/job_launcher.h"
#include "service/models/rooted_path.h"
#include "service/tasks/observed_table.h"
#include "service/training/training_controller.h"
#include "service/training/training_publication.h"
#include "service/training/training_store.h"

namespace semblance::service {

struct TrainingJobsOptions {
  PathRoot data_root;
  // Complete (see CompleteServerConfig).
  v1::TrainingJobsConfig config;
  // Labelled items that the catalog has, as far as it matters whether there are any.
  std::function<bool()> has_labeled_items;
  // How long a trainer may take to write its checkpoint before it is killed.
  absl::Duration stop_grace = absl::Seconds(28);
  // How long the next attempt waits, times the number of attempts so far.
  absl::Duration retry_delay = absl::Seconds(5);
};

class TrainingJobs final : public TrainingController {
 public:
  TrainingJobs(TrainingJobsOptions options, TrainingStore store, JobLauncher* launcher, const TrainingPublication* publication);
  ~TrainingJobs() override;

  // Reads what is on disk and takes up what was under way. Errors: of the store.
  absl::Status Start();
  // No new commands; returns when no thread runs any more. May be called twice.
  void Shutdown();

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
  struct Work {
    std::string id;
    std::stop_source cancelled;
  };

  absl::Status CheckStarted() const;
  absl::Status CheckRunning() const;
  absl::StatusOr<TrainingInfo> Find(const std::string& id) const;
  // The job that the request made before; nullopt: it is new.
  absl::StatusOr<std::optional<TrainingInfo>> FindRequest(const TrainingSpec& spec, const std::string& digest) const;

  // Puts a job of the disk into the table; queues it where there is something to do.
  void TakeUp(const std::string& id);
  // `first`: before those that have not begun.
  void Enqueue(const std::string& id, bool cancelled, bool first);
  void RunThread();
  void Process(const Work& work);
  // Puts what the record says into the table.
  void Show(const std::string& id, const storage::v1::JobRecord& record);

  const TrainingJobsOptions options_;
  const TrainingStore store_;
  JobLauncher* const launcher_;
  const TrainingPublication* const publication_;

  std::atomic<bool> started_ = false;
  std::stop_source stopping_;
  ObservedTable<TrainingInfo> table_;

  // One Create, Cancel, Resume or Delete at a time. Taken before mutex_.
  Mutex command_mutex_;
  Mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Work> queue_ SEMBLANCE_GUARDED_BY(mutex_);
  // Of everything queued or running, by id.
  std::map<std::string, std::stop_source> cancellations_ SEMBLANCE_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_TRAINING_TRAINING_JOBS_H_
