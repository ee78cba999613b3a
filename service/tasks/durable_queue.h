// Runs tasks that outlive the server. A fixed number of them runs at the same time, in the order in which they were added.
//
// Thread-safe. Shutdown and the destructor must not run on a worker.
//
// The queue itself is in memory. This contract makes it durable: the owner writes a task's record to disk before it adds the task,
// and before each step that a crash must not undo. At a start it adds every task whose record says that it has not ended, and then
// calls Start. A shutdown asks the running tasks to stop and starts no others. The next server resumes all of them from their
// records.
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

    // Closes the task: it can no longer be cancelled, and may be added again. May be called again.
    void Close();
    // The same, but a task that was cancelled before stays open, and the result is Cancelled.
    absl::Status CloseUnlessCancelled();

   private:
    friend class DurableQueue;
    Task(DurableQueue* queue, std::shared_ptr<Entry> entry);

    DurableQueue* const queue_;
    const std::shared_ptr<Entry> entry_;
    const TaskStop stop_;
  };

  struct Options {
    // Debuggers show this name.
    std::string name;
    int worker_count = 1;
    // Runs at the start of each worker, for example to set its priority. It may be empty.
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

  // Returns OK once Start was called.
  absl::Status CheckStarted() const;
  // Returns OK between Start and Shutdown.
  absl::Status CheckRunning() const;

  // REQUIRES: the id is not open.
  void Add(const std::string& id, Place place = Place::kLast);
  // Removes a task that no worker has begun. Returns false if there is none.
  bool Withdraw(const std::string& id);
  // Asks an open task to stop, even before it has begun. Returns false if it is not open. REQUIRES: the callbacks of its stop
  // (std::stop_callback) do not call the queue.
  bool Cancel(const std::string& id);

  // Returns the id of an open task, or nullopt when there is none.
  std::optional<std::string> AnyOpen() const;
  // Returns how many tasks no worker has begun.
  size_t waiting_count() const;

 private:
  struct Entry {
    std::string id;
    TaskStopSource stop;
  };

  void RunWorker(const std::stop_token& stop);
  // Returns null when the worker must end.
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
  // The tasks that wait or run, and are not closed.
  std::map<std::string, std::shared_ptr<Entry>> open_ SEMBLANCE_GUARDED_BY(mutex_);

  std::vector<Worker> workers_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_TASKS_DURABLE_QUEUE_H_
