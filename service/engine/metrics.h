// Receives what the engine measures, as it happens. service/http exports it.
//
// Thread-safe. Every method is quick.
#ifndef SEMBLANCE_SERVICE_ENGINE_METRICS_H_
#define SEMBLANCE_SERVICE_ENGINE_METRICS_H_

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "service/engine/types.h"

namespace semblance::service {

class EngineMetrics {
 public:
  virtual ~EngineMetrics() = default;

  // The stages of one answered request. A stage that did not happen has the length zero.
  virtual void ObserveStages(const LatencyBreakdown& latency) = 0;

  // One batch of images went through the network.
  virtual void ObserveBatch(int batch_size) = 0;

  // The catalog made one commit durable.
  virtual void ObserveCommit(absl::Duration duration) = 0;

  // One activation or rollback ended. The result is "done", "conflict" (another one was in progress, or another generation was
  // active), "gate_failed" or "failed". Writes waited for `write_pause`, which may be zero.
  virtual void ObserveActivation(absl::string_view result, absl::Duration write_pause) = 0;

  // One probe ended: the live answer had `found` of the `expected` exact nearest neighbors.
  virtual void ObserveRecall(int expected, int found) = 0;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_ENGINE_METRICS_H_
