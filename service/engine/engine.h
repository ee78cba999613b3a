// The engine: every use case of the server, without gRPC. It owns the catalog and the generations that are loaded
// (GenerationController builds and activates them).
//
// Thread-safe. Asynchronous calls do not block: they check the request, hand it to worker threads and call `done` exactly once, on
// one of the engine's threads or, for a request that is refused at once, on the caller's. `done` must be quick and must not throw.
// Data that a request refers to (ImageQuery::bytes) must stay valid until then.
//
// A request takes its generation once, at admission, and is decoded, embedded and searched in it: the active one, the one that it
// names, or the canary. A write that was embedded when the active generation changed is embedded anew before it is committed.
//
// Errors of all calls: Unavailable with reason NO_ACTIVE_GENERATION or DRAINING and a retry delay; ResourceExhausted/QUEUE_FULL;
// DeadlineExceeded; Cancelled. Others: see the RPC's comments in proto/semblance/v1, which these follow.
#ifndef SEMBLANCE_SERVICE_ENGINE_ENGINE_H_
#define SEMBLANCE_SERVICE_ENGINE_ENGINE_H_

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "catalog/catalog.h"
#include "common/threads/mutex.h"
#include "common/threads/thread_pool.h"
#include "generation/generation_store.h"
#include "semblance/v1/server_config.pb.h"
#include "service/engine/metrics.h"
#include "service/engine/recall_probe.h"
#include "service/engine/types.h"
#include "service/live/generation.h"
#include "service/live/generation_loader.h"
#include "service/live/live_generations.h"

namespace semblance::service {

// Degraded: it serves, with the generation that was active before, because the active one could not be loaded.
enum class EngineState { kStarting, kNoModel, kServing, kDegraded, kDraining };

struct EngineOptions {
  // Complete (see CompleteServerConfig).
  v1::ServerConfig config;
  EmbedderFactory new_embedder;
  // Must outlive the engine.
  EngineMetrics* metrics = nullptr;
  // Called after every change of state, from the thread that caused it; may be empty.
  std::function<void(EngineState)> on_state;
};

struct EngineStatus {
  EngineState state = EngineState::kStarting;
  std::string reason;
  // Null without one.
  std::shared_ptr<const Generation> generation;
};

class Engine {
 public:
  template <typename T>
  using Callback = std::function<void(absl::StatusOr<T>)>;

  Engine(EngineOptions options, std::unique_ptr<catalog::Catalog> catalog, generation::GenerationStore store);
  // REQUIRES: every call has been answered.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Makes a generation active: of the bundle at `model_dir` where one is given (creating it, or taking up the one that was made of
  // the same bundle before), else the one that was active last, or, where that cannot be loaded, the one before it (kDegraded).
  // Blocks until it serves, or there is no model to serve (kNoModel). REQUIRES: called once. Errors: as of LoadGeneration; the
  // state is then kNoModel with the reason.
  absl::Status Start(const std::string& model_dir);

  // Refuses new calls from now on; those admitted before go on to their answer. Also ends a Start that is under way.
  void Drain();

  EngineStatus status() const;
  const v1::ServerConfig& config() const { return options_.config; }

  void Search(SearchInput input, const CallContext& context, const Callback<SearchAnswer>& done);
  void EmbedImages(std::vector<absl::string_view> images, const CallContext& context, const Callback<EmbedAnswer>& done);
  void Upsert(std::vector<catalog::ItemWrite> items, const CallContext& context, const Callback<WriteAnswer>& done);
  void Delete(std::vector<std::string> ids, const CallContext& context, const Callback<WriteAnswer>& done);
  void Find(const std::string& id, const CallContext& context, const Callback<catalog::CatalogItem>& done);
  // The item with its image.
  void FindWithImage(const std::string& id, const CallContext& context,
                     const Callback<std::pair<catalog::CatalogItem, std::string>>& done);
  void List(int page_size, const std::string& page_token, const CallContext& context, const Callback<ItemPage>& done);

  int64_t item_count() const { return catalog_->item_count(); }
  uint64_t last_sequence() const { return catalog_->last_sequence(); }
  // Of the active generation.
  bool has_labeled_items() const;
  RecallStats recall() const { return recall_probe_->stats(); }

  // For the GenerationController.
  const catalog::Catalog& catalog() const { return *catalog_; }
  LiveGenerations& live() { return live_; }
  const generation::GenerationStore& store() const { return store_; }
  // How a generation is loaded; without on_progress.
  GenerationLoaderOptions loader_options();
  // `id` has become active.
  void OnActivated(const std::string& id);

 private:
  using GenerationPtr = std::shared_ptr<Generation>;
  struct SearchJob;
  struct ShadowJob;
  struct EmbedJob;
  struct UpsertJob;

  // Whether requests are taken.
  absl::Status CheckServing() const;
  // The active generation, or why there is none to answer with.
  absl::StatusOr<GenerationPtr> Admit() const;
  // Where a search goes; an error where there is nothing to answer with.
  absl::StatusOr<LiveGenerations::Route> RouteOf(const SearchInput& input) const;
  // Whether writes are taken at all, with or without a generation.
  absl::Status CheckWritable() const;
  void SetState(EngineState state, const std::string& reason);
  // The generation of the bundle at `model_dir`; nullopt for "" before the first activation.
  absl::StatusOr<std::optional<storage::v1::GenerationManifest>> ChooseGeneration(const std::string& model_dir);
  absl::Status ActivateFirst(const std::string& model_dir);
  // Loads and makes active the one that was active before. `error` is why the active one could not be loaded.
  absl::Status FallBack(const absl::Status& error);

  // Runs `task` on one of the pool's threads, or calls `refuse` now when too many wait, or then when the call's time is over.
  void Submit(ThreadPool& pool, const CallContext& context, std::function<void()> task,
              const std::function<void(const absl::Status&)>& refuse);

  void PrepareSearch(const std::shared_ptr<SearchJob>& job);
  void RunSearch(SearchJob& job);
  // Hands some of the answered queries to the probe.
  void ProbeRecall(const SearchJob& job, index::IndexSearchResult rows);
  // What comparisons of this search need once it is answered and the client's request gone; empty where there are none, or no time.
  std::vector<std::shared_ptr<ShadowJob>> ShadowsOf(const SearchJob& job, const SearchAnswer& answer);
  void RunShadow(const std::shared_ptr<ShadowJob>& job);
  void RunEmbed(const std::shared_ptr<EmbedJob>& job);
  void RunUpsert(const std::shared_ptr<UpsertJob>& job);
  // Inside the gate: commits, or, where the active generation has changed, leaves and embeds anew.
  void CommitUpsert(const std::shared_ptr<UpsertJob>& job);
  void FinishUpsert(UpsertJob& job, absl::StatusOr<catalog::WriteResult> write);
  void FinishDelete(const GenerationPtr& generation, const CallContext& context, absl::StatusOr<catalog::WriteResult> write,
                    const Callback<WriteAnswer>& done);
  // Applies one committed write to the index, on the catalog's writer thread. When an index fails to take one, the engine becomes
  // read-only: no later write may be applied after the gap.
  absl::Status Apply(const std::function<absl::Status()>& apply);

  EngineOptions options_;
  const embedder::DecodeLimits decode_limits_;
  generation::GenerationStore store_;
  std::stop_source stopping_;
  // See Apply.
  std::atomic<bool> read_only_ = false;

  mutable Mutex mutex_;
  EngineState state_ SEMBLANCE_GUARDED_BY(mutex_) = EngineState::kStarting;
  std::string reason_ SEMBLANCE_GUARDED_BY(mutex_) = "starting";

  std::unique_ptr<catalog::Catalog> catalog_;
  LiveGenerations live_;
  std::atomic<int> shadows_waiting_ = 0;
  // Declared last, destroyed first: their threads use what is above.
  std::unique_ptr<RecallProbe> recall_probe_;
  // Searches and reads; and, apart from them, so that they never queue behind it, the decoding of writes.
  std::unique_ptr<ThreadPool> workers_;
  std::unique_ptr<ThreadPool> bulk_workers_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_ENGINE_ENGINE_H_
