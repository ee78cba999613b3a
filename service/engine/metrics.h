// What the engine reports about itself, as it happens; service/http exports it.
//
// Thread-safe; every method is quick.
#ifndef SEMBLANCE_SERVICE_ENGINE_METRICS_H_
#define SEMBLANCE_SERVICE_ENGINE_METRICS_H_

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "service/engine/types.h"

namespace semblance::service {

class EngineMetrics {
 public:
  virtual ~EngineMetrics() = default;

  // The stages of one answered request; a stage of zero length did not happen.
  virtual void ObserveStages(const LatencyBreakdown& latency) = 0;

  // One inference.
  virtual void ObserveBatch(int batch_size) = 0;

  // One durable commit of the catalog.
  virtual void ObserveCommit(absl::Duration duration) = 0;

  // One activation or rollback: "done", "conflict" (another was under way or active), "gate_failed" or "failed"; and how long
  // writes waited, zero where they did not.
  virtual void ObserveActivation(absl::string_view result, absl::Duration write_pause) = 0;

  // One probe: of `expected` exact nearest neighbours the live answer had `found`.
  virtual void ObserveRecall(int expected, int found) = 0;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_ENGINE_METRICS_H_
