// The parts of the engine that its use cases share: configuration, state and threads. The engine owns all of them.
#ifndef SEMBLANCE_SERVICE_ENGINE_REQUEST_ENVIRONMENT_H_
#define SEMBLANCE_SERVICE_ENGINE_REQUEST_ENVIRONMENT_H_

#include "catalog/catalog.h"
#include "common/clock.h"
#include "embedder/image/decode.h"
#include "generation/generation_store.h"
#include "semblance/v1/server_config.pb.h"
#include "service/admission/memory_budget.h"
#include "service/engine/metrics.h"
#include "service/engine/request_threads.h"
#include "service/engine/requests_in_flight.h"
#include "service/engine/serving_state.h"
#include "service/live/live_generations.h"

namespace semblance::service {

// All pointers must outlive the requests. None is null, except `metrics`.
struct RequestEnvironment {
  v1::Limits limits;
  // The part of `limits` that the decoder checks.
  embedder::DecodeLimits decode_limits;
  const Clock* clock = nullptr;
  EngineMetrics* metrics = nullptr;
  catalog::Catalog* catalog = nullptr;
  const generation::GenerationStore* store = nullptr;
  LiveGenerations* live = nullptr;
  const ServingState* state = nullptr;
  RequestThreads* threads = nullptr;
  MemoryBudget* memory = nullptr;
  RequestsInFlight* in_flight = nullptr;

  void ObserveStages(const LatencyBreakdown& latency) const {
    if (metrics != nullptr) {
      metrics->ObserveStages(latency);
    }
  }
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_ENGINE_REQUEST_ENVIRONMENT_H_
