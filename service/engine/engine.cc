#include "service/engine/engine.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "service/engine/limits.h"
#include "service/engine/startup.h"

namespace semblance::service {
namespace {

// A shutdown finishes what was admitted, so no request may wait for longer than a part of its time. The rest is for errors of the
// estimate.
constexpr double kWaitShareOfDrain = 0.5;

LaneOptions LaneOptionsOf(const v1::ServerConfig& config) {
  return {.threads = config.worker_threads(),
          .max_queued = static_cast<size_t>(config.max_queued_requests()),
          .max_wait = kWaitShareOfDrain * absl::Seconds(config.drain_seconds())};
}

}  // namespace

Engine::Engine(EngineOptions options, std::unique_ptr<catalog::Catalog> catalog, generation::GenerationStore store)
    : options_(std::move(options)),
      store_(std::move(store)),
      catalog_(std::move(catalog)),
      live_(catalog_.get(), options_.clock),
      state_(&live_, options_.on_state),
      recall_probe_(std::make_unique<RecallProbe>(
          RecallProbeOptions{.one_in = options_.config.recall_probe().one_in(), .metrics = options_.metrics})),
      memory_(options_.config.request_memory_budget_mib() << 20),
      threads_(std::make_unique<RequestThreads>(LaneOptionsOf(options_.config), options_.clock)),
      environment_(NewEnvironment()),
      shadow_traffic_(&environment_),
      search_path_(&environment_, &shadow_traffic_, recall_probe_.get()),
      embed_path_(&environment_),
      write_path_(&environment_),
      catalog_reads_(&environment_) {}

Engine::~Engine() {
  // After this wait, only this object and the probe, whose samples share them, own the generations.
  in_flight_.AwaitNone();
  threads_.reset();
  recall_probe_.reset();
  const std::vector<LiveGenerations::Ptr> generations = live_.Clear();
  catalog_.reset();
}

RequestEnvironment Engine::NewEnvironment() {
  return {.limits = options_.config.limits(),
          .decode_limits = DecodeLimitsOf(options_.config.limits()),
          .clock = options_.clock,
          .metrics = options_.metrics,
          .catalog = catalog_.get(),
          .store = &store_,
          .live = &live_,
          .state = &state_,
          .threads = threads_.get(),
          .memory = &memory_,
          .in_flight = &in_flight_};
}

absl::Status Engine::Start(const std::string& model_dir) {
  absl::StatusOr<Startup::Result> loaded = Startup(&store_, catalog_.get(), loader_options()).Load(model_dir);
  if (!loaded.ok()) {
    state_.Set(EngineState::kNoModel, loaded.status().ToString());
    return loaded.status();
  }
  if (loaded->generation == nullptr) {
    state_.Set(EngineState::kNoModel,
               "there is no model yet: start the server with --model=BUNDLE_DIR, or register one and create a generation");
    return absl::OkStatus();
  }
  const std::string id = loaded->generation->manifest().id();
  live_.SetActive(std::move(loaded->generation));
  if (loaded->degraded_reason.empty()) {
    OnActivated(id);
  } else {
    state_.Set(EngineState::kDegraded, loaded->degraded_reason);
  }
  return absl::OkStatus();
}

void Engine::Drain() {
  stopping_.request_stop();
  state_.Set(EngineState::kDraining, "the server is shutting down");
}

EngineStatus Engine::status() const {
  std::shared_ptr<const Generation> generation = live_.active();
  ServingState::Snapshot now = state_.Read();
  if (now.state == EngineState::kServing && generation != nullptr && generation->batcher().is_stuck()) {
    now.state = EngineState::kDegraded;
    now.reason = absl::StrCat("the model of generation ", generation->manifest().id(),
                              " is stuck in one batch: images are refused; activate another generation");
  }
  return {.state = now.state, .reason = std::move(now.reason), .generation = std::move(generation)};
}

bool Engine::has_labeled_items() const {
  const LiveGenerations::Ptr active = live_.active();
  if (active == nullptr) {
    return false;
  }
  const auto records = active->Records();
  return std::any_of(records.begin(), records.end(), [](const auto& record) { return record->label.has_value(); });
}

GenerationLoaderOptions Engine::loader_options() {
  GenerationLoaderOptions loader;
  loader.config = options_.config;
  loader.new_embedder = options_.new_embedder;
  loader.on_batch = [metrics = options_.metrics](int batch_size, absl::Duration) {
    if (metrics != nullptr) {
      metrics->ObserveBatch(batch_size);
    }
  };
  loader.stop = stopping_.get_token();
  return loader;
}

void Engine::OnActivated(const std::string& id) {
  state_.Set(EngineState::kServing, absl::StrCat("generation ", id, " answers"));
}

}  // namespace semblance::service
