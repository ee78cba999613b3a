#include "trainer/parallel_for.h"

#include <atomic>
#include <thread>
#include <vector>

#include "common/mutex.h"

namespace semblance {

absl::Status ParallelFor(int threads, int64_t count, absl::FunctionRef<absl::Status(int64_t)> body) {
  // Indices are handed out in order, so all that are smaller than a failed one have started, and report before the threads end.
  std::atomic<int64_t> next = 0;
  std::atomic<bool> failed = false;
  Mutex mutex;
  int64_t failed_index = count;
  absl::Status status;

  const auto work = [&] {
    for (int64_t i = next++; i < count && !failed; i = next++) {
      absl::Status result = body(i);
      if (!result.ok()) {
        failed = true;
        MutexLock lock(&mutex);
        if (i < failed_index) {
          failed_index = i;
          status = std::move(result);
        }
      }
    }
  };
  std::vector<std::thread> workers;
  for (int i = 0; i < threads; ++i) {
    workers.emplace_back(work);
  }
  for (std::thread& worker : workers) {
    worker.join();
  }
  return status;
}

}  // namespace semblance
