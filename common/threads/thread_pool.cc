#include "common/threads/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <thread>
#include <utility>

namespace semblance {

ThreadPool::ThreadPool(const std::string& name, int thread_count, size_t max_queued) : max_queued_(max_queued) {
  workers_.reserve(static_cast<size_t>(thread_count));
  for (int i = 0; i < thread_count; ++i) {
    workers_.emplace_back(name, [this](const std::stop_token& stop) { Run(stop); });
  }
}

bool ThreadPool::TrySchedule(std::function<void()> task) {
  {
    MutexLock lock(&mutex_);
    if (tasks_.size() >= max_queued_) {
      return false;
    }
    tasks_.push_back(std::move(task));
  }
  changed_.NotifyOne();
  return true;
}

void ThreadPool::Schedule(std::function<void()> task) {
  {
    MutexLock lock(&mutex_);
    tasks_.push_back(std::move(task));
  }
  changed_.NotifyOne();
}

size_t ThreadPool::queued() const {
  MutexLock lock(&mutex_);
  return tasks_.size();
}

void ThreadPool::Run(const std::stop_token& stop) {
  while (true) {
    std::function<void()> task;
    {
      MutexLock lock(&mutex_);
      const auto has_task = [this]() SEMBLANCE_REQUIRES(mutex_) { return !tasks_.empty(); };
      if (!changed_.Wait(mutex_, stop, has_task)) {
        return;
      }
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
}

int CoreCount() {
  // The affinity mask is read instead of hardware_concurrency, because a container may have fewer cores than the machine.
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0) {
    return CPU_COUNT(&set);
  }
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace semblance
