// The engine: every use case of the server, without gRPC. It owns the catalog and the generations that are loaded, and hands each
// call to the class that knows its way: SearchPath, EmbedPath, WritePath, CatalogReads. (GenerationController builds and activates
// generations.)
//
// Thread-safe. Asynchronous calls do not block: they check the request, hand it to worker threads and call `done` exactly once, on
// one of the engine's threads or, for a request that is refused at once, on the caller's. `done` must be quick and must not throw.
// Data that a request refers to (ImageQuery::bytes) must stay valid until then.
//
// Errors of all calls: Unavailable with reason NO_ACTIVE_GENERATION or DRAINING and a retry delay; ResourceExhausted/QUEUE_FULL;
// DeadlineExceeded; Cancelled; InvalidArgument for what does not keep to the configured limits. For others see the comments of the
// RPCs in proto/semblance/v1, which these calls follow.
#ifndef SEMBLANCE_SERVICE_ENGINE_ENGINE_H_
#define SEMBLANCE_SERVICE_ENGINE_ENGINE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "catalog/catalog.h"
#include "common/clock.h"
#include "generation/generation_store.h"
#include "semblance/v1/server_config.pb.h"
#include "service/engine/catalog_reads.h"
#include "service/engine/embed_path.h"
#include "service/engine/metrics.h"
#include "service/engine/recall_probe.h"
#include "service/engine/request_environment.h"
#include "service/engine/request_threads.h"
#include "service/engine/requests_in_flight.h"
#include "service/engine/search_path.h"
#include "service/engine/serving_state.h"
#include "service/engine/shadow_traffic.h"
#include "service/engine/types.h"
#include "service/engine/write_path.h"
#include "service/live/generation.h"
#include "service/live/generation_loader.h"
#include "service/live/live_generations.h"

namespace semblance::service {

struct EngineOptions {
  // Complete (see CompleteServerConfig).
  v1::ServerConfig config;
  EmbedderFactory new_embedder;
  // Must outlive the engine.
  EngineMetrics* metrics = nullptr;
  // Called after every change of state, from the thread that caused it; may be empty.
  std::function<void(EngineState)> on_state;
  // Must outlive the engine.
  const Clock* clock = nullptr;
};

struct EngineStatus {
  EngineState state = EngineState::kStarting;
  std::string reason;
  // Null without one.
  std::shared_ptr<const Generation> generation;
};

class Engine {
 public:
  Engine(EngineOptions options, std::unique_ptr<catalog::Catalog> catalog, generation::GenerationStore store);
  // REQUIRES: every call has been answered, and nobody else holds a generation.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Makes a generation active: with a `model_dir` that of the bundle there, else the one that was active last, or, where that
  // cannot be loaded, the one before it (kDegraded). See Startup::Load. Blocks until it serves, or there is no model to serve
  // (kNoModel). REQUIRES: called once. Errors: those of LoadGeneration; the state is then kNoModel with the reason.
  absl::Status Start(const std::string& model_dir);

  // Refuses new calls from now on; those admitted before get their answer. Also ends a Start that is under way.
  void Drain();

  // Returns when no request is under way, not even a comparison with a shadow.
  void AwaitIdle() { in_flight_.AwaitNone(); }

  EngineStatus status() const;
  const v1::ServerConfig& config() const { return options_.config; }

  void Search(SearchInput input, const CallContext& context, const Callback<SearchAnswer>& done) {
    search_path_.Search(std::move(input), context, done);
  }
  void EmbedImages(std::vector<absl::string_view> images, const CallContext& context, const Callback<EmbedAnswer>& done) {
    embed_path_.EmbedImages(std::move(images), context, done);
  }
  void Upsert(std::vector<catalog::ItemWrite> items, const CallContext& context, const Callback<WriteAnswer>& done) {
    write_path_.Upsert(std::move(items), context, done);
  }
  void Delete(std::vector<std::string> ids, const CallContext& context, const Callback<WriteAnswer>& done) {
    write_path_.Delete(std::move(ids), context, done);
  }
  void Find(const std::string& id, const CallContext& context, const Callback<catalog::CatalogItem>& done) {
    catalog_reads_.Find(id, context, done);
  }
  // The item with its image.
  void FindWithImage(const std::string& id, const CallContext& context, const Callback<CatalogReads::ItemWithImage>& done) {
    catalog_reads_.FindWithImage(id, context, done);
  }
  // A page of items by ascending id. `page_size` 0 is 100; `page_token` is "" or from the page before.
  void List(int page_size, const std::string& page_token, const CallContext& context, const Callback<ItemPage>& done) {
    catalog_reads_.List(page_size, page_token, context, done);
  }

  int64_t item_count() const { return catalog_->item_count(); }
  uint64_t last_sequence() const { return catalog_->last_sequence(); }
  // True where the active generation has an item with a label.
  bool has_labeled_items() const;
  RecallStats recall() const { return recall_probe_->stats(); }

  // For the GenerationController.
  const catalog::Catalog& catalog() const { return *catalog_; }
  LiveGenerations& live() { return live_; }
  const generation::GenerationStore& store() const { return store_; }
  // How a generation is loaded; without on_progress.
  GenerationLoaderOptions loader_options();
  // Says that generation `id` has become active.
  void OnActivated(const std::string& id);

 private:
  RequestEnvironment NewEnvironment();

  const EngineOptions options_;
  generation::GenerationStore store_;
  std::stop_source stopping_;
  std::unique_ptr<catalog::Catalog> catalog_;
  LiveGenerations live_;
  ServingState state_;
  RequestsInFlight in_flight_;
  std::unique_ptr<RecallProbe> recall_probe_;
  std::unique_ptr<RequestThreads> threads_;
  const RequestEnvironment environment_;
  ShadowTraffic shadow_traffic_;
  SearchPath search_path_;
  EmbedPath embed_path_;
  WritePath write_path_;
  CatalogReads catalog_reads_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_ENGINE_ENGINE_H_
