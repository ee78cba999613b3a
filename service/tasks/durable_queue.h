// Runs tasks that outlive the server, a fixed number at once, in the order in which they were added.
//
// Thread-safe. Shutdown and the destructor must not run on a worker.
//
// The queue itself lives in memory; what makes it durable is this contract. The owner writes a task's record to disk before it adds
// the task, and before each step that must not be forgotten. At a start it adds every task whose record says that it has not
// ended, and then calls Start. A shutdown asks the running tasks to stop and starts no further one; all of them are resumed from
// their records by the next server.
//
// A task is open from Add until it is closed. Only an open task can be cancelled. A task closes itself before it announces how it
// ended, and the queue closes it when its run returns.
//
// Errors: Unavailable/NO_ACTIVE_GENERATION before Start, Unavailable/DRAINING after Shutdown, both with a retry delay.
#ifndef SEMBLANCE_SERVICE_TASKS_DURABLE_QUEUE_H_
#define SEMBLANCE_SERVICE_TASKS_DURABLE_QUEUE_H_

#include <atomic>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/threads/condition.h"
#include "common/threads/mutex.h"
#include "common/threads/worker.h"
#include "service/tasks/task_stop.h"

namespace semblance::service {

class DurableQueue {
 private:
  struct Entry;

 public:
  // One run of a task, on a worker. Not thread-safe.
  class Task {
   public:
    const std::string& id() const;
    const TaskStop& stop() const { return stop_; }

    // From now on the task cannot be cancelled, and may be added again. May be called again.
    void Close();
    // The same, but leaves a task open that was cancelled before: then returns Cancelled.
    absl::Status CloseUnlessCancelled();

   private:
    friend class DurableQueue;
    Task(DurableQueue* queue, std::shared_ptr<Entry> entry);

    DurableQueue* const queue_;
    const std::shared_ptr<Entry> entry_;
    const TaskStop stop_;
  };

  struct Options {
    // Shows in debuggers.
    std::string name;
    int worker_count = 1;
    // Runs at the start of each worker, to set its priority for example; may be empty.
    std::function<void()> on_worker_start;
  };

  enum class Place { kLast, kFirst };

  // `run` must return soon after the task's stop is requested.
  DurableQueue(Options options, std::function<void(Task&)> run);
  ~DurableQueue();
  DurableQueue(const DurableQueue&) = delete;
  DurableQueue& operator=(const DurableQueue&) = delete;

  // Starts the workers. Call once.
  void Start();
  // Returns when no task runs any more. May be called again.
  void Shutdown();

  // OK once Start was called.
  absl::Status CheckStarted() const;
  // OK between Start and Shutdown.
  absl::Status CheckRunning() const;

  // REQUIRES: the id is not open.
  void Add(const std::string& id, Place place = Place::kLast);
  // Takes out a task that no worker has begun. False where there is none.
  bool Withdraw(const std::string& id);
  // Asks an open task to stop, also before it has begun. False where it is not open. REQUIRES: what hears of the stop
  // (a std::stop_callback) does not call the queue.
  bool Cancel(const std::string& id);

  // The id of an open task; nullopt when there is none.
  std::optional<std::string> AnyOpen() const;
  // How many tasks no worker has begun.
  size_t waiting_count() const;

 private:
  struct Entry {
    std::string id;
    TaskStopSource stop;
  };

  void RunWorker(const std::stop_token& stop);
  // Null when the worker is to end.
  std::shared_ptr<Entry> TakeNext(const std::stop_token& stop);
  // Erases the entry from open_ unless another one has its id by now.
  void CloseEntry(const Entry& entry) SEMBLANCE_REQUIRES(mutex_);

  const Options options_;
  const std::function<void(Task&)> run_;
  std::atomic<bool> started_ = false;
  std::atomic<bool> stopping_ = false;

  mutable Mutex mutex_;
  Condition changed_;
  std::deque<std::shared_ptr<Entry>> waiting_ SEMBLANCE_GUARDED_BY(mutex_);
  // Those that wait or run, and are not closed.
  std::map<std::string, std::shared_ptr<Entry>> open_ SEMBLANCE_GUARDED_BY(mutex_);

  std::vector<Worker> workers_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_TASKS_DURABLE_QUEUE_H_
