// Runs calls whose work blocks on threads of its own, so that gRPC's threads never do.
//
// Thread-safe. The destructor runs what was accepted. REQUIRES: the calls are of a server that is gone before.
#ifndef SEMBLANCE_SERVICE_RPC_BLOCKING_CALLS_H_
#define SEMBLANCE_SERVICE_RPC_BLOCKING_CALLS_H_

#include <cstddef>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "common/threads/thread_pool.h"
#include "service/rpc/unary_call.h"

namespace semblance::service {

class BlockingCalls {
 public:
  // See ThreadPool.
  BlockingCalls(const std::string& name, int thread_count, size_t max_queued)
      : max_queued_(max_queued), threads_(name, thread_count, max_queued) {}

  // Completes `call` with what `work` returns; without running it with ResourceExhausted/QUEUE_FULL and a retry delay where too
  // many wait, with DeadlineExceeded or Cancelled where its turn comes too late.
  void Run(UnaryCall* call, std::function<absl::Status()> work);

 private:
  const size_t max_queued_;
  ThreadPool threads_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_RPC_BLOCKING_CALLS_H_
