// The recall probe measures the recall that users get. It searches a sample of answered queries again, comparing every row, and
// counts how many of the nearest rows the answers had.
//
// Thread-safe. IsDue and TryAdd are quick: they never wait for a search.
//
// The probe must not load the server. One thread with the lowest priority searches. After each search it rests for 20 times as long
// as that took, so it needs at most about 5 % of one core. Few samples wait for it. A sample whose index has moved to another
// sequence since is dropped, because the two answers would be about different rows.
#ifndef SEMBLANCE_SERVICE_ENGINE_RECALL_PROBE_H_
#define SEMBLANCE_SERVICE_ENGINE_RECALL_PROBE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "common/threads/condition.h"
#include "common/threads/mutex.h"
#include "common/threads/worker.h"
#include "index/vector_index.h"
#include "service/engine/metrics.h"

namespace semblance::service {

struct RecallProbeOptions {
  // Every one_in-th query is probed; 0 turns the probe off.
  int one_in = 0;
  // A rest is this many times as long as the search before it.
  int rest_ratio = 20;
  // May be null. Must outlive the probe.
  EngineMetrics* metrics = nullptr;
};

// An answered query.
struct RecallSample {
  // The index that answered. It is kept until the sample is probed or dropped.
  std::shared_ptr<const index::VectorIndex> index;
  // One vector.
  std::vector<float> query;
  int top_k = 0;
  // The rows that the index found, the best first. There are at least top_k of them, or all if the index has fewer. Only the first
  // top_k count.
  std::vector<index::ScoredKey> neighbors;
  // The sequence at which `neighbors` were found.
  uint64_t applied_sequence = 0;
};

struct RecallStats {
  int64_t probes = 0;
  // The share of the expected neighbors that answers had. It covers the fewest recent probes that together expected 1,000. It is
  // not set before the first probe.
  std::optional<double> recall;
};

class RecallProbe {
 public:
  // How many samples may wait.
  static constexpr size_t kMaxWaiting = 4;

  explicit RecallProbe(const RecallProbeOptions& options);
  // Waits for the search that runs, and drops the samples that wait.
  ~RecallProbe() = default;
  RecallProbe(const RecallProbe&) = delete;
  RecallProbe& operator=(const RecallProbe&) = delete;

  // Counts one query. Returns true for every one_in-th, which the caller should add.
  bool IsDue();

  // Drops the sample and returns false when kMaxWaiting others wait. REQUIRES: options.one_in > 0.
  bool TryAdd(RecallSample sample);

  RecallStats stats() const;

 private:
  // The neighbors of one or more probes.
  struct Count {
    int expected = 0;
    int found = 0;
  };

  void Run(const std::stop_token& stop);
  void Probe(const RecallSample& sample);
  void Record(const Count& count);

  const RecallProbeOptions options_;
  std::atomic<uint64_t> queries_{0};

  mutable Mutex mutex_;
  Condition changed_;
  std::deque<RecallSample> waiting_ SEMBLANCE_GUARDED_BY(mutex_);
  int64_t probes_ SEMBLANCE_GUARDED_BY(mutex_) = 0;
  // The recent probes, and their sum.
  std::deque<Count> recent_ SEMBLANCE_GUARDED_BY(mutex_);
  Count recent_sum_ SEMBLANCE_GUARDED_BY(mutex_);
  // Not started when the probe is off. It comes last, because it uses everything above.
  Worker thread_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_ENGINE_RECALL_PROBE_H_
