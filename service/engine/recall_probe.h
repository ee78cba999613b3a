// The recall probe: searches a sample of answered queries again, comparing every row, and counts how many of the nearest rows the
// answers had. It tells the recall that users get.
//
// Thread-safe. IsDue and TryAdd are quick: they never wait for a search.
//
// The probe must not load the server. One thread of the lowest priority searches, and after each search it rests for 20 times as
// long as that took: at most about 5 % of one core. Few samples wait for it. A sample whose index has since moved to another
// sequence is dropped, for the two answers would be about different rows.
#ifndef SEMBLANCE_SERVICE_ENGINE_RECALL_PROBE_H_
#define SEMBLANCE_SERVICE_ENGINE_RECALL_PROBE_H_

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "common/threads/mutex.h"
#include "index/vector_index.h"
#include "service/engine/metrics.h"

namespace semblance::service {

struct RecallProbeOptions {
  // One of so many queries is probed; 0: none.
  int one_in = 0;
  // Length of a rest, in lengths of the search before it.
  int rest_ratio = 20;
  // Must outlive the probe; may be null.
  EngineMetrics* metrics = nullptr;
};

// An answered query.
struct RecallSample {
  // Kept until the sample is probed or dropped.
  std::shared_ptr<const index::VectorIndex> index;
  // One row.
  std::vector<float> query;
  int top_k = 0;
  // What the index found, best first; at least top_k rows where it has so many. Only the first top_k count.
  std::vector<index::ScoredKey> neighbors;
  // Of `neighbors`.
  uint64_t applied_sequence = 0;
};

struct RecallStats {
  int64_t probes = 0;
  // Found / expected neighbours, over the fewest last probes that expected 1,000. Unset before the first probe.
  std::optional<double> recall;
};

class RecallProbe {
 public:
  // Probes that wait at most.
  static constexpr size_t kMaxWaiting = 4;

  explicit RecallProbe(const RecallProbeOptions& options);
  // Waits for the search that runs, if any, and drops the samples that wait.
  ~RecallProbe();
  RecallProbe(const RecallProbe&) = delete;
  RecallProbe& operator=(const RecallProbe&) = delete;

  // Counts one query; true for every one_in-th, which should be added.
  bool IsDue();

  // False, dropping the sample, when kMaxWaiting others wait. REQUIRES: options.one_in > 0.
  bool TryAdd(RecallSample sample);

  RecallStats stats() const;

 private:
  // Neighbours of one or more probes.
  struct Count {
    int expected = 0;
    int found = 0;
  };

  void Run();
  void Probe(const RecallSample& sample);
  void Record(const Count& count);

  const RecallProbeOptions options_;
  std::atomic<uint64_t> queries_{0};

  mutable Mutex mutex_;
  std::condition_variable_any changed_;
  bool stop_ SEMBLANCE_GUARDED_BY(mutex_) = false;
  std::deque<RecallSample> waiting_ SEMBLANCE_GUARDED_BY(mutex_);
  int64_t probes_ SEMBLANCE_GUARDED_BY(mutex_) = 0;
  // The last probes, and their sum.
  std::deque<Count> recent_ SEMBLANCE_GUARDED_BY(mutex_);
  Count recent_sum_ SEMBLANCE_GUARDED_BY(mutex_);
  // Not started when nothing is probed.
  std::thread thread_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_ENGINE_RECALL_PROBE_H_
