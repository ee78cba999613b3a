// The state of one asynchronous call on its way through the engine's threads; private to engine_*.cc.
//
// Not thread-safe: one thread at a time has a job.
#ifndef SEMBLANCE_SERVICE_ENGINE_ENGINE_JOBS_H_
#define SEMBLANCE_SERVICE_ENGINE_ENGINE_JOBS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "service/engine/engine.h"

namespace semblance::service {

struct Engine::SearchJob {
  GenerationPtr generation;
  CallContext context;
  SearchInput input;
  Callback<SearchAnswer> done;
  GenerationSearch search;
  LatencyBreakdown latency;
  // Set where the generation is a canary.
  std::shared_ptr<TrafficCounter> canary;
  std::vector<LiveGenerations::Target> shadows;
};

// A search that is asked of another generation too, when the client has its answer.
struct Engine::ShadowJob {
  LiveGenerations::Target target;
  // Images are owned: the client's request is gone by then.
  std::vector<std::string> images;
  GenerationSearch search;
  // Positions of the images in search.queries.
  std::vector<size_t> image_positions;
  std::shared_ptr<const SearchAnswer> live_answer;
};

struct Engine::EmbedJob {
  GenerationPtr generation;
  CallContext context;
  std::vector<absl::string_view> images;
  Callback<EmbedAnswer> done;
  LatencyBreakdown latency;
};

struct Engine::UpsertJob {
  GenerationPtr generation;
  CallContext context;
  std::vector<catalog::ItemWrite> items;
  Callback<WriteAnswer> done;
  std::vector<float> vectors;
  LatencyBreakdown latency;
};

// One image of a request, and its path there.
struct EncodedImage {
  absl::string_view bytes;
  std::string field;
};

// Decodes and preprocesses all images, adding the time to latency.decode. The first bad one fails it, with its field.
absl::StatusOr<std::vector<embedder::Image>> DecodeAll(const std::vector<EncodedImage>& images,
                                                       const embedder::Preprocessor& preprocessor,
                                                       const embedder::DecodeLimits& limits, LatencyBreakdown& latency);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_ENGINE_ENGINE_JOBS_H_
