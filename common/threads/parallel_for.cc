#include "common/threads/parallel_for.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <thread>
#include <utility>
#include <vector>

#include "common/threads/mutex.h"

namespace semblance {
namespace {

// Keeps the error of the smallest index. Thread-safe.
class SmallestFailure {
 public:
  void Report(int64_t index, absl::Status status) {
    happened_ = true;
    const MutexLock lock(&mutex_);
    if (status_.ok() || index < index_) {
      index_ = index;
      status_ = std::move(status);
    }
  }

  bool happened() const { return happened_; }

  absl::Status TakeStatus() {
    const MutexLock lock(&mutex_);
    return std::move(status_);
  }

 private:
  std::atomic<bool> happened_ = false;
  Mutex mutex_;
  int64_t index_ SEMBLANCE_GUARDED_BY(mutex_) = 0;
  absl::Status status_ SEMBLANCE_GUARDED_BY(mutex_);
};

}  // namespace

absl::Status ParallelFor(int threads, int64_t count, absl::FunctionRef<absl::Status(int64_t)> body) {
  // Indices are handed out in order, so all that are smaller than a failed one have started, and report before the threads end.
  std::atomic<int64_t> next = 0;
  SmallestFailure failure;
  const auto work = [&](int /*thread*/) {
    for (int64_t i = next++; i < count && !failure.happened(); i = next++) {
      if (absl::Status status = body(i); !status.ok()) {
        failure.Report(i, std::move(status));
      }
    }
  };
  RunOnThreads(static_cast<int>(std::clamp<int64_t>(count, 1, threads)), work);
  return failure.TakeStatus();
}

void RunOnThreads(int threads, absl::FunctionRef<void(int)> body) {
  std::vector<std::jthread> others;  // The destructor joins them.
  others.reserve(static_cast<size_t>(threads) - 1);
  for (int thread = 1; thread < threads; ++thread) {
    others.emplace_back([body, thread] { body(thread); });
  }
  body(0);
}

}  // namespace semblance
