#include "service/engine/recall_probe.h"

#include <algorithm>
#include <chrono>
#include <stop_token>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "common/threads/background_thread.h"
#include "common/threads/stop.h"

namespace semblance::service {
namespace {

constexpr int kLowestPriority = 19;
constexpr int kRecentNeighbors = 1000;
// Rows whose scores differ by less count as equally near, because two kinds of search add in different orders.
constexpr float kTie = 1e-6F;

// Counts the first `top_k` live rows that are among the nearest. REQUIRES: `exact` is not empty.
int CountFound(const std::vector<index::ScoredKey>& exact, const std::vector<index::ScoredKey>& live, int top_k) {
  absl::flat_hash_set<uint64_t> keys;
  for (const index::ScoredKey& row : exact) {
    keys.insert(row.key);
  }
  const float worst = exact.back().score - kTie;
  const auto end = live.begin() + static_cast<std::ptrdiff_t>(std::min(live.size(), static_cast<size_t>(top_k)));
  return static_cast<int>(
      std::count_if(live.begin(), end, [&](const index::ScoredKey& row) { return row.score >= worst || keys.contains(row.key); }));
}

}  // namespace

RecallProbe::RecallProbe(const RecallProbeOptions& options) : options_(options) {
  if (options_.one_in > 0) {
    thread_ = Worker("recall probe", [this](const std::stop_token& stop) { Run(stop); });
  }
}

bool RecallProbe::IsDue() {
  if (options_.one_in == 0) {
    return false;
  }
  const uint64_t before = queries_.fetch_add(1, std::memory_order_relaxed);
  return (before + 1) % static_cast<uint64_t>(options_.one_in) == 0;
}

bool RecallProbe::TryAdd(RecallSample sample) {
  {
    MutexLock lock(&mutex_);
    if (waiting_.size() >= kMaxWaiting) {
      return false;
    }
    waiting_.push_back(std::move(sample));
  }
  changed_.NotifyAll();
  return true;
}

RecallStats RecallProbe::stats() const {
  MutexLock lock(&mutex_);
  RecallStats stats;
  stats.probes = probes_;
  if (recent_sum_.expected > 0) {
    stats.recall = static_cast<double>(recent_sum_.found) / recent_sum_.expected;
  }
  return stats;
}

void RecallProbe::Run(const std::stop_token& stop) {
  LowerThreadPriority(kLowestPriority);
  using Clock = std::chrono::steady_clock;
  while (true) {
    RecallSample sample;
    {
      MutexLock lock(&mutex_);
      changed_.Wait(mutex_, stop, [this]() SEMBLANCE_REQUIRES(mutex_) { return !waiting_.empty(); });
      if (stop.stop_requested()) {
        return;
      }
      sample = std::move(waiting_.front());
      waiting_.pop_front();
    }
    const Clock::time_point start = Clock::now();
    Probe(sample);
    WaitForStop(stop, options_.rest_ratio * absl::FromChrono(Clock::now() - start));
  }
}

void RecallProbe::Probe(const RecallSample& sample) {
  const std::unique_ptr<const index::IndexSnapshot> snapshot = sample.index->Snapshot();
  if (snapshot->applied_sequence() != sample.applied_sequence) {
    return;  // Items were written while the sample waited.
  }
  index::IndexSearchOptions options;
  options.top_k = sample.top_k;
  options.exact = true;
  const absl::StatusOr<index::IndexSearchResult> exact = snapshot->Search(sample.query, options);
  // An error gives nothing to compare with. A live search that meets the same error reports it.
  if (!exact.ok() || exact->neighbors.front().empty()) {
    return;
  }
  const std::vector<index::ScoredKey>& nearest = exact->neighbors.front();
  const int expected = static_cast<int>(nearest.size());
  Record({.expected = expected, .found = std::min(expected, CountFound(nearest, sample.neighbors, sample.top_k))});
}

void RecallProbe::Record(const Count& count) {
  {
    MutexLock lock(&mutex_);
    ++probes_;
    recent_.push_back(count);
    recent_sum_.expected += count.expected;
    recent_sum_.found += count.found;
    while (recent_sum_.expected - recent_.front().expected >= kRecentNeighbors) {
      recent_sum_.expected -= recent_.front().expected;
      recent_sum_.found -= recent_.front().found;
      recent_.pop_front();
    }
  }
  if (options_.metrics != nullptr) {
    options_.metrics->ObserveRecall(count.expected, count.found);
  }
}

}  // namespace semblance::service
