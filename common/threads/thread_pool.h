// A fixed number of threads that run tasks in the order in which they were added.
//
// Thread-safe.
//
// The queue is bounded: TrySchedule refuses a task that does not fit, so that overload shows where it arises. The destructor runs
// all accepted tasks and joins. A task must not throw and must not wait for a later task of the same pool.
#ifndef SEMBLANCE_COMMON_THREADS_THREAD_POOL_H_
#define SEMBLANCE_COMMON_THREADS_THREAD_POOL_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "common/threads/condition.h"
#include "common/threads/mutex.h"
#include "common/threads/worker.h"

namespace semblance {

class ThreadPool {
 public:
  // REQUIRES: thread_count >= 1, max_queued >= 1. `name` shows in debuggers (15 bytes are kept).
  ThreadPool(const std::string& name, int thread_count, size_t max_queued);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // Refuses the task, and returns false, when max_queued tasks are waiting.
  [[nodiscard]] bool TrySchedule(std::function<void()> task);

  // Adds the task even when the queue is full. For the later steps of work that was admitted once.
  void Schedule(std::function<void()> task);

  int thread_count() const { return static_cast<int>(workers_.size()); }
  size_t queued() const;

 private:
  void Run(const std::stop_token& stop);

  const size_t max_queued_;
  mutable Mutex mutex_;
  Condition changed_;
  std::deque<std::function<void()>> tasks_ SEMBLANCE_GUARDED_BY(mutex_);
  std::vector<Worker> workers_;
};

// How many threads the machine runs at once; at least 1.
int CoreCount();

}  // namespace semblance

#endif  // SEMBLANCE_COMMON_THREADS_THREAD_POOL_H_
