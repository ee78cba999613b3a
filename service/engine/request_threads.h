// The threads that requests run on: searches and reads have their own, so that they never queue behind the decoding of writes.
//
// Thread-safe. The destructor runs what was accepted and joins.
#ifndef SEMBLANCE_SERVICE_ENGINE_REQUEST_THREADS_H_
#define SEMBLANCE_SERVICE_ENGINE_REQUEST_THREADS_H_

#include <cstddef>
#include <functional>

#include "absl/status/status.h"
#include "common/clock.h"
#include "common/threads/thread_pool.h"
#include "embedder/batcher.h"
#include "service/engine/types.h"

namespace semblance::service {

class RequestThreads {
 public:
  // `thread_count` threads and a queue of `max_queued` requests for either priority.
  RequestThreads(int thread_count, int max_queued, const Clock* clock);

  // Runs `task` on a thread of the priority, or calls `refuse` instead. `refuse` gets ResourceExhausted/QUEUE_FULL, on this thread,
  // when too many requests wait. It gets Cancelled or DeadlineExceeded, on the other thread, when the turn of the request comes too
  // late.
  void Submit(embedder::Priority priority, const CallContext& context, std::function<void()> task,
              const std::function<void(const absl::Status&)>& refuse);

  // Runs a later step of a request that Submit accepted. It is never refused.
  void Continue(embedder::Priority priority, std::function<void()> step) { PoolOf(priority).Schedule(std::move(step)); }

  // Returns how many tasks wait for a thread of the priority.
  size_t queued(embedder::Priority priority) const {
    return priority == embedder::Priority::kBulk ? bulk_.queued() : interactive_.queued();
  }

 private:
  ThreadPool& PoolOf(embedder::Priority priority) { return priority == embedder::Priority::kBulk ? bulk_ : interactive_; }

  const int max_queued_;
  const Clock* const clock_;
  ThreadPool interactive_;
  ThreadPool bulk_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_ENGINE_REQUEST_THREADS_H_
