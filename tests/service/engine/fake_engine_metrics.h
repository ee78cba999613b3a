// Remembers what the engine reports.
//
// Thread-safe.
#ifndef SEMBLANCE_TESTS_SERVICE_ENGINE_FAKE_ENGINE_METRICS_H_
#define SEMBLANCE_TESTS_SERVICE_ENGINE_FAKE_ENGINE_METRICS_H_

#include <cstddef>
#include <utility>
#include <vector>

#include "common/threads/condition.h"
#include "common/threads/mutex.h"
#include "service/engine/metrics.h"

namespace semblance::testing {

class FakeEngineMetrics final : public service::EngineMetrics {
 public:
  void ObserveStages(const service::LatencyBreakdown&) override {}
  void ObserveBatch(int) override {}
  void ObserveCommit(absl::Duration) override {}
  void ObserveActivation(absl::string_view, absl::Duration) override {}
  void ObserveRecall(int expected, int found) override {
    MutexLock lock(&mutex_);
    recalls_.emplace_back(expected, found);
    changed_.NotifyAll();
  }

  // Waits for `count` probes. Returns the (expected, found) of each probe so far.
  std::vector<std::pair<int, int>> AwaitRecalls(size_t count) {
    MutexLock lock(&mutex_);
    changed_.Wait(mutex_, {}, [&] { return recalls_.size() >= count; });
    return recalls_;
  }

 private:
  Mutex mutex_;
  Condition changed_;
  std::vector<std::pair<int, int>> recalls_ SEMBLANCE_GUARDED_BY(mutex_);
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_SERVICE_ENGINE_FAKE_ENGINE_METRICS_H_
