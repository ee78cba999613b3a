// Measures a loaded generation beside the one that is active, for its gates.
//
// Thread-safe: a function without state. It takes seconds, and holds writes for milliseconds to count the items.
#ifndef SEMBLANCE_SERVICE_GENERATIONS_GENERATION_MEASUREMENT_H_
#define SEMBLANCE_SERVICE_GENERATIONS_GENERATION_MEASUREMENT_H_

#include <memory>
#include <stop_token>

#include "absl/status/statusor.h"
#include "service/engine/engine.h"
#include "service/live/generation.h"
#include "service/live/generation_info.h"

namespace semblance::service {

// Measures everything that Evaluate measures, and whether the generation has as many items as the catalog at the same sequence.
// Does not set warm_latency. Errors: those of Evaluate, of LiveGenerations::WithWritesHeld and of reading the bundles.
absl::StatusOr<GenerationEvaluation> MeasureGeneration(Engine& engine, const std::shared_ptr<Generation>& generation,
                                                       const std::stop_token& stop);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_GENERATIONS_GENERATION_MEASUREMENT_H_
