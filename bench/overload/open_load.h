// Sends searches at a fixed mean rate, however many are not answered yet, as independent clients do.
//
// Thread-safe.
#ifndef SEMBLANCE_BENCH_OVERLOAD_OPEN_LOAD_H_
#define SEMBLANCE_BENCH_OVERLOAD_OPEN_LOAD_H_

#include <grpcpp/channel.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <vector>

#include "absl/time/time.h"
#include "common/threads/condition.h"
#include "common/threads/mutex.h"
#include "common/threads/worker.h"
#include "semblance/v1/search_service.grpc.pb.h"

namespace semblance::bench {

// The outcome of the searches. Latencies are in milliseconds, from the time at which the search was due.
struct LoadOutcome {
  std::vector<double> accepted_ms;
  std::vector<double> refused_ms;
  int64_t refused_with_retry_info = 0;
  // Searches that were neither answered nor refused: their deadline passed.
  int64_t failed = 0;
};

class OpenLoad {
 public:
  // Until Stop, sends `requests` in turn over `channels` in turn, at random times, `rate` a second on average. A deadline of zero
  // stands for none. Outcomes count from `counted_from` on, by the time at which a search is due.
  struct Options {
    std::vector<std::shared_ptr<grpc::Channel>> channels;
    const std::vector<v1::SearchRequest>* requests = nullptr;
    double rate = 1;
    absl::Duration deadline;
    absl::Time counted_from;
  };
  explicit OpenLoad(Options options);
  ~OpenLoad() { Stop(); }
  OpenLoad(const OpenLoad&) = delete;
  OpenLoad& operator=(const OpenLoad&) = delete;

  // Returns when everything that was sent is answered.
  LoadOutcome Stop();

 private:
  void Run(const std::stop_token& stop);
  void Send(size_t i, absl::Time due);
  void Record(const grpc::Status& status, absl::Time due);

  const Options options_;
  std::vector<std::unique_ptr<v1::SearchService::Stub>> stubs_;
  Mutex mutex_;
  Condition answered_;
  int64_t in_flight_ SEMBLANCE_GUARDED_BY(mutex_) = 0;
  LoadOutcome outcome_ SEMBLANCE_GUARDED_BY(mutex_);
  // It comes last, because it uses everything above.
  Worker thread_;
};

}  // namespace semblance::bench

#endif  // SEMBLANCE_BENCH_OVERLOAD_OPEN_LOAD_H_
