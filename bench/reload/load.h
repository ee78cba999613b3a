// Sends searches in a closed loop or at a fixed rate, checks each answer, and writes items at the same time.
//
// Thread-safe.
#ifndef SEMBLANCE_BENCH_RELOAD_LOAD_H_
#define SEMBLANCE_BENCH_RELOAD_LOAD_H_

#include <grpcpp/channel.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "bench/reload/oracle.h"
#include "common/threads/condition.h"
#include "common/threads/mutex.h"
#include "common/threads/worker.h"
#include "semblance/v1/catalog_service.grpc.pb.h"
#include "semblance/v1/search_service.grpc.pb.h"

namespace semblance::bench {

struct Capacity {
  // The number of answered searches.
  double per_second = 0;
  int64_t searches = 0;
  // The number of searches without an answer.
  int64_t failed = 0;
  // The number of searches whose answer is not that of the generation that it names.
  int64_t mixed = 0;
};

// Runs `threads` clients. Each waits for one answer before it asks again.
Capacity MeasureCapacity(const std::shared_ptr<grpc::Channel>& channel, const Oracle& oracle, int threads, absl::Duration duration);

class Load {
 public:
  // Until Stop, sends searches for all queries in turn, `rate` a second. Also writes items with their present content, at most
  // `write_rate` a second. A search is sent when it is due, however many are not answered yet. Its latency is counted from that
  // time.
  Load(const std::shared_ptr<grpc::Channel>& channel, const Oracle* oracle, double rate, double write_rate);
  ~Load() { Stop(); }

  // Returns when everything that was sent is answered.
  void Stop();

  // From now on, the latencies of searches that become due count for this phase.
  void BeginPhase(const std::string& phase);

  // Returns latencies in milliseconds.
  std::vector<double> LatenciesOf(const std::string& phase) const;
  int64_t searches() const { return searches_.load(); }
  int64_t writes() const { return writes_.load(); }
  // The number of searches and writes without an answer.
  int64_t failed() const { return failed_.load(); }
  // The number of answers that are not those of the generation that they name.
  int64_t mixed() const { return mixed_.load(); }

 private:
  void SearchLoop(double rate, const std::stop_token& stop);
  void WriteLoop(double rate, const std::stop_token& stop);
  void Send(size_t query, absl::Time due);

  const std::unique_ptr<v1::SearchService::Stub> searcher_;
  const std::unique_ptr<v1::CatalogService::Stub> writer_;
  const Oracle* const oracle_;
  std::atomic<int64_t> searches_ = 0;
  std::atomic<int64_t> writes_ = 0;
  std::atomic<int64_t> failed_ = 0;
  std::atomic<int64_t> mixed_ = 0;

  mutable Mutex mutex_;
  Condition answered_;
  int64_t in_flight_ SEMBLANCE_GUARDED_BY(mutex_) = 0;
  std::string phase_ SEMBLANCE_GUARDED_BY(mutex_);
  std::map<std::string, std::vector<double>> latencies_ SEMBLANCE_GUARDED_BY(mutex_);
  // These members come last, because they use everything above.
  Worker search_thread_;
  Worker write_thread_;
};

}  // namespace semblance::bench

#endif  // SEMBLANCE_BENCH_RELOAD_LOAD_H_
