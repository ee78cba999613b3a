// A fixed number of threads that run tasks in the order in which they were added.
//
// Thread-safe.
//
// The queue is bounded: TrySchedule refuses what does not fit, so that overload shows where it arises. The destructor runs what was
// accepted and joins. A task must not throw and must not wait for a later task of the same pool.
#ifndef SEMBLANCE_COMMON_THREADS_THREAD_POOL_H_
#define SEMBLANCE_COMMON_THREADS_THREAD_POOL_H_

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "common/threads/mutex.h"

namespace semblance {

class ThreadPool {
 public:
  // REQUIRES: thread_count >= 1, max_queued >= 1. `name` shows in debuggers (15 bytes are kept).
  ThreadPool(const std::string& name, int thread_count, size_t max_queued);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // False, without running it, when max_queued tasks are waiting.
  [[nodiscard]] bool TrySchedule(std::function<void()> task);

  // Adds in any case: for the later steps of work that was admitted once.
  void Schedule(std::function<void()> task);

  int thread_count() const { return static_cast<int>(threads_.size()); }
  size_t queued() const;

 private:
  void Run();

  const size_t max_queued_;
  mutable Mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<std::function<void()>> tasks_ SEMBLANCE_GUARDED_BY(mutex_);
  bool stopping_ SEMBLANCE_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

// How many threads the machine runs at once; at least 1.
int CoreCount();

}  // namespace semblance

#endif  // SEMBLANCE_COMMON_THREADS_THREAD_POOL_H_
