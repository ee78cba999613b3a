// All training jobs, with their records on disk. Every change of a job's state goes through this class.
//
// Thread-safe. The store and the clock must outlive it. Observers are called on the thread that made the change, one change at a
// time; they must be quick and must not call the table.
//
// A change is written to the job's state.json before the table shows it. Where two threads change a job at the same time (its
// worker, and a command of a client), kTrainingTransitions decides: the first change wins, and the second is refused if it does not
// follow from the first.
//
// Errors: NotFound/JOB_NOT_FOUND.
#ifndef SEMBLANCE_SERVICE_TRAINING_TRAINING_TABLE_H_
#define SEMBLANCE_SERVICE_TRAINING_TRAINING_TABLE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/clock.h"
#include "common/threads/mutex.h"
#include "service/tasks/observed_table.h"
#include "service/training/training_info.h"
#include "service/training/training_store.h"

namespace semblance::service {

class TrainingTable {
 public:
  using Observer = ObservedTable<TrainingInfo>::Observer;
  using Change = std::function<void(storage::v1::JobRecord&)>;

  TrainingTable(const TrainingStore* store, const Clock* clock) : store_(store), clock_(clock) {}

  // Reads a job from the disk. One whose files cannot be read is FAILED with the error as its reason; it harms no other job, and
  // can be erased. Returns the job's state.
  TrainingState Load(const std::string& id);

  // Moves a job to a state and, with `change`, changes other fields of its record. Durable when it returns. Errors:
  // FailedPrecondition when kTrainingTransitions does not list the change; the damage of a job that cannot be read; I/O errors,
  // and then nothing has changed.
  absl::Status Transition(const std::string& id, TrainingState to, const std::string& reason, const Change& change = {});

  // The same for a worker that is done with a job. When the record cannot be written, the error is logged and the table shows the
  // end all the same; a restart then runs the job again. Errors: FailedPrecondition as above.
  absl::Status End(const std::string& id, TrainingState to, const std::string& reason);

  // Both tell those who watch the job what it is doing now. Nothing is written to the disk.
  void ShowReason(const std::string& id, const std::string& reason);
  void ShowProgress(const std::string& id, const storage::v1::TrainerProgress& progress);

  absl::StatusOr<TrainingInfo> Find(const std::string& id) const;
  // The newest first.
  std::vector<TrainingInfo> List() const { return table_.List(); }
  // Empty messages for a job that is not there or cannot be read.
  storage::v1::JobManifest Manifest(const std::string& id) const;
  storage::v1::JobRecord Record(const std::string& id) const;

  // Takes the job out of the table, once its files are gone.
  void Erase(const std::string& id);

  // See TrainingController.
  absl::StatusOr<int64_t> AddObserver(const std::string& id, Observer observer);
  void RemoveObserver(int64_t token) { table_.RemoveObserver(token); }

 private:
  struct Entry {
    storage::v1::JobManifest manifest;
    storage::v1::JobRecord record;
    // Why the job cannot be read.
    absl::Status damage;
  };

  // The entry of a job that may become `to`.
  absl::StatusOr<Entry*> FindFor(const std::string& id, TrainingState to) SEMBLANCE_REQUIRES(mutex_);
  void Show(const std::string& id, const storage::v1::JobRecord& record);
  TrainingState ShowDamage(const std::string& id, const absl::Status& damage);

  const TrainingStore* const store_;
  const Clock* const clock_;

  // Held from the check of a transition until observers were told, so that all see the changes in one order.
  mutable Mutex mutex_;
  std::map<std::string, Entry> entries_ SEMBLANCE_GUARDED_BY(mutex_);
  ObservedTable<TrainingInfo> table_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_TRAINING_TRAINING_TABLE_H_
