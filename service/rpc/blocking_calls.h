// Runs calls whose work blocks. It has threads of its own, so that gRPC's threads never block.
//
// Thread-safe. The destructor runs the accepted work. REQUIRES: the server of the calls is destroyed first.
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
  // The parameters are those of ThreadPool.
  BlockingCalls(const std::string& name, int thread_count, size_t max_queued)
      : max_queued_(max_queued), threads_(name, thread_count, max_queued) {}

  // Completes `call` with the result of `work`. If too many calls wait, it completes the call with ResourceExhausted/QUEUE_FULL
  // and a retry delay instead. If the turn of the call comes too late, it completes it with DeadlineExceeded or Cancelled.
  void Run(UnaryCall* call, std::function<absl::Status()> work);

 private:
  const size_t max_queued_;
  ThreadPool threads_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_RPC_BLOCKING_CALLS_H_
