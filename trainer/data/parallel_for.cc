#include "trainer/data/parallel_for.h"

#include <atomic>
#include <cstddef>
#include <thread>
#include <utility>
#include <vector>

#include "common/threads/mutex.h"

namespace semblance::trainer {

namespace {

// Keeps the error of the smallest index. Thread-safe.
class SmallestFailure {
 public:
  void Report(int64_t index, absl::Status status) {
    happened_ = true;
    MutexLock lock(&mutex_);
    if (status_.ok() || index < index_) {
      index_ = index;
      status_ = std::move(status);
    }
  }

  bool happened() const { return happened_; }

  // REQUIRES: no thread reports any more.
  absl::Status TakeStatus() { return std::move(status_); }

 private:
  std::atomic<bool> happened_ = false;
  Mutex mutex_;
  int64_t index_ = 0;
  absl::Status status_;
};

}  // namespace

absl::Status ParallelFor(int threads, int64_t count, absl::FunctionRef<absl::Status(int64_t)> body) {
  // Indices are handed out in order, so all that are smaller than a failed one have started, and report before the threads end.
  std::atomic<int64_t> next = 0;
  SmallestFailure failure;
  const auto work = [&] {
    for (int64_t i = next++; i < count && !failure.happened(); i = next++) {
      if (absl::Status status = body(i); !status.ok()) {
        failure.Report(i, std::move(status));
      }
    }
  };
  std::vector<std::thread> workers;
  workers.reserve(static_cast<size_t>(threads));
  for (int i = 0; i < threads; ++i) {
    workers.emplace_back(work);
  }
  for (std::thread& worker : workers) {
    worker.join();
  }
  return failure.TakeStatus();
}

}  // namespace semblance::trainer
