// The engine has every use case of the server, without gRPC. It owns the catalog and the loaded generations. It hands each call to
// the class that carries it out: SearchPath, EmbedPath, WritePath or CatalogReads. (GenerationController builds and activates
// generations.)
//
// Thread-safe. Asynchronous calls do not block: they check the request, hand it to worker threads and call `done` exactly once.
// `done` runs on one of the engine's threads, or on the caller's thread if the request is refused at once. It must be quick and
// must not throw. Data that a request refers to (ImageQuery::bytes) must stay valid until then.
//
// Errors of all calls: Unavailable with reason NO_ACTIVE_GENERATION or DRAINING and a retry delay; ResourceExhausted/QUEUE_FULL;
// DeadlineExceeded; Cancelled; InvalidArgument when a request exceeds the configured limits. The comments of the RPCs in
// proto/semblance/v1, which these calls follow, list the others.
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
#include "service/admission/memory_budget.h"
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
  // The configuration must be complete (see CompleteServerConfig).
  v1::ServerConfig config;
  EmbedderFactory new_embedder;
  // Must outlive the engine.
  EngineMetrics* metrics = nullptr;
  // Called after every change of state, from the thread that caused it; may be empty.
  std::function<void(EngineState)> on_state;
  // Must outlive the engine.
  Clock* clock = nullptr;
};

struct EngineStatus {
  EngineState state = EngineState::kStarting;
  std::string reason;
  // Null without a generation.
  std::shared_ptr<const Generation> generation;
};

class Engine {
 public:
  Engine(EngineOptions options, std::unique_ptr<catalog::Catalog> catalog, generation::GenerationStore store);
  // REQUIRES: every call has been answered, and nobody else holds a generation.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Makes a generation active: the one of the bundle in `model_dir`, or, when that is empty, the one that was active last. If that
  // one cannot be loaded, the generation before it is used (kDegraded). See Startup::Load. Blocks until the engine serves, or until
  // it is known that there is no model to serve (kNoModel). REQUIRES: called once. Errors: those of LoadGeneration; the state is
  // then kNoModel with the reason.
  absl::Status Start(const std::string& model_dir);

  // Refuses, from now on, the calls that could not be answered before `end`. The others are still taken. Call this when the server
  // begins to shut down.
  void AnswerUntil(absl::Time end) { threads_->AnswerUntil(end); }

  // Refuses new calls from now on. Calls that were admitted before get their answer. Also ends a Start that is in progress.
  void Drain();

  // Returns when no request is in progress. This includes comparisons with a shadow.
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
  // Returns the item with its image.
  void FindWithImage(const std::string& id, const CallContext& context, const Callback<CatalogReads::ItemWithImage>& done) {
    catalog_reads_.FindWithImage(id, context, done);
  }
  // Returns a page of items by ascending id. A `page_size` of 0 means 100. `page_token` is "" or comes from the previous page.
  void List(int page_size, const std::string& page_token, const CallContext& context, const Callback<ItemPage>& done) {
    catalog_reads_.List(page_size, page_token, context, done);
  }

  int64_t item_count() const { return catalog_->item_count(); }
  uint64_t last_sequence() const { return catalog_->last_sequence(); }
  // Returns true if the active generation has an item with a label.
  bool has_labeled_items() const;
  // The memory that requests take now.
  int64_t request_memory_bytes() const { return memory_.used_bytes(); }
  RecallStats recall() const { return recall_probe_->stats(); }

  // The methods below are for the GenerationController.
  const catalog::Catalog& catalog() const { return *catalog_; }
  LiveGenerations& live() { return live_; }
  const generation::GenerationStore& store() const { return store_; }
  // Returns the options for loading a generation, without on_progress.
  GenerationLoaderOptions loader_options();
  // Reports that generation `id` has become active.
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
  MemoryBudget memory_;
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
