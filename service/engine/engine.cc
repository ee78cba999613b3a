#include "service/engine/engine.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "common/logging.h"
#include "common/status_macros.h"
#include "embedder/bundle/bundle.h"
#include "service/engine/limits.h"

namespace semblance::service {
namespace {

constexpr int kDefaultPageSize = 100;
constexpr char kPageTokenPrefix[] = "v1:";
constexpr absl::Duration kRetryWhileStarting = absl::Seconds(1);
constexpr absl::Duration kRetryWhenFull = absl::Milliseconds(100);

std::string PageToken(const std::string& last_id) {
  return absl::WebSafeBase64Escape(absl::StrCat(kPageTokenPrefix, last_id));
}

absl::StatusOr<std::string> LastIdOf(const std::string& page_token) {
  std::string decoded;
  absl::string_view id;
  if (absl::WebSafeBase64Unescape(page_token, &decoded)) {
    id = decoded;
  }
  if (!absl::ConsumePrefix(&id, kPageTokenPrefix)) {
    return InvalidField("page_token", v1::ERROR_REASON_INVALID_PAGE_TOKEN, "the page token is not one that this server gave out");
  }
  return std::string(id);
}

// The manifest of a generation that is to answer. One whose state.json cannot be read is damaged like any other.
absl::StatusOr<storage::v1::GenerationManifest> ReadUndamaged(const generation::GenerationStore& store, const std::string& id) {
  SEMBLANCE_RETURN_IF_ERROR(store.ReadRecord(id).status());
  return store.ReadManifest(id);
}

absl::Status NotServing(v1::ErrorReason reason, absl::string_view message) {
  return WithRetryDelay(Error(absl::StatusCode::kUnavailable, reason, message), kRetryWhileStarting);
}

}  // namespace

Engine::Engine(EngineOptions options, std::unique_ptr<catalog::Catalog> catalog, generation::GenerationStore store)
    : options_(std::move(options)),
      decode_limits_(DecodeLimitsOf(options_.config.limits())),
      store_(std::move(store)),
      catalog_(std::move(catalog)),
      live_(catalog_.get()) {
  recall_probe_ = std::make_unique<RecallProbe>(
      RecallProbeOptions{.one_in = options_.config.recall_probe().one_in(), .metrics = options_.metrics});
  const size_t max_queued = static_cast<size_t>(options_.config.max_queued_requests());
  workers_ = std::make_unique<ThreadPool>("worker", options_.config.worker_threads(), max_queued);
  bulk_workers_ = std::make_unique<ThreadPool>("bulk", options_.config.worker_threads(), max_queued);
}

Engine::~Engine() {
  while (shadows_waiting_.load() > 0) {
    absl::SleepFor(absl::Milliseconds(1));
  }
  bulk_workers_.reset();
  workers_.reset();
  recall_probe_.reset();
  const std::vector<GenerationPtr> generations = live_.Clear();
  catalog_.reset();
  // The batcher's thread drops its share of the last calls just after it has answered them; were that the last share, the thread
  // would have to join itself.
  for (const GenerationPtr& generation : generations) {
    while (generation.use_count() > 1) {
      absl::SleepFor(absl::Milliseconds(1));
    }
  }
}

absl::Status Engine::Start(const std::string& model_dir) {
  absl::Status status = ActivateFirst(model_dir);
  if (!status.ok() && !absl::IsCancelled(status) && model_dir.empty()) {
    status = FallBack(status);
  }
  if (!status.ok()) {
    SetState(EngineState::kNoModel, status.ToString());
  }
  return status;
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

absl::Status Engine::ActivateFirst(const std::string& model_dir) {
  SEMBLANCE_ASSIGN_OR_RETURN(const std::optional<storage::v1::GenerationManifest> chosen, ChooseGeneration(model_dir));
  if (!chosen.has_value()) {
    SetState(EngineState::kNoModel,
             "there is no model yet: start the server with --model=BUNDLE_DIR, or register one and create a generation");
    return absl::OkStatus();
  }
  SEMBLANCE_ASSIGN_OR_RETURN(GenerationPtr generation, LoadGeneration(store_, *chosen, *catalog_, loader_options()));
  SEMBLANCE_ASSIGN_OR_RETURN(const std::optional<storage::v1::ActiveGeneration> before, store_.ReadActive());
  if (!before.has_value() || before->generation() != chosen->id()) {
    // Durable before it answers: a restart must not fall back behind an answer that was given.
    SEMBLANCE_RETURN_IF_ERROR(store_.WriteActive(chosen->id(), before.has_value() ? before->generation() : ""));
  }
  live_.SetActive(std::move(generation));
  OnActivated(chosen->id());
  return absl::OkStatus();
}

absl::Status Engine::FallBack(const absl::Status& error) {
  const absl::StatusOr<std::optional<storage::v1::ActiveGeneration>> pointer = store_.ReadActive();
  if (!pointer.ok() || !pointer->has_value() || (*pointer)->previous().empty()) {
    return error;
  }
  const std::string previous = (*pointer)->previous();
  LOG(ERROR) << "generation " << (*pointer)->generation() << " cannot be loaded, falling back to " << previous << ": " << error;
  SEMBLANCE_ASSIGN_OR_RETURN(const storage::v1::GenerationManifest manifest, ReadUndamaged(store_, previous));
  SEMBLANCE_ASSIGN_OR_RETURN(GenerationPtr generation, LoadGeneration(store_, manifest, *catalog_, loader_options()));
  live_.SetActive(std::move(generation));
  SetState(EngineState::kDegraded, absl::StrCat("generation ", previous, " answers in place of ", (*pointer)->generation(),
                                                ", which cannot be loaded: ", error.ToString()));
  return absl::OkStatus();
}

void Engine::OnActivated(const std::string& id) {
  SetState(EngineState::kServing, absl::StrCat("generation ", id, " answers"));
}

absl::StatusOr<std::optional<storage::v1::GenerationManifest>> Engine::ChooseGeneration(const std::string& model_dir) {
  if (model_dir.empty()) {
    SEMBLANCE_ASSIGN_OR_RETURN(const std::optional<storage::v1::ActiveGeneration> active, store_.ReadActive());
    if (!active.has_value() || active->generation().empty()) {
      return std::optional<storage::v1::GenerationManifest>();
    }
    SEMBLANCE_ASSIGN_OR_RETURN(storage::v1::GenerationManifest manifest, ReadUndamaged(store_, active->generation()));
    return std::optional(std::move(manifest));
  }
  SEMBLANCE_ASSIGN_OR_RETURN(const storage::v1::BundleManifest bundle, embedder::ReadBundleManifest(model_dir));
  SEMBLANCE_ASSIGN_OR_RETURN(std::optional<storage::v1::GenerationManifest> existing,
                             store_.FindBySpace(bundle.embedding_space_id()));
  if (existing.has_value()) {
    return existing;
  }
  storage::v1::GenerationRecord record;
  record.set_phase(storage::v1::GenerationRecord::PHASE_READY);
  record.set_was_active(true);
  SEMBLANCE_ASSIGN_OR_RETURN(storage::v1::GenerationManifest created, store_.Create(model_dir, {}, record));
  LOG(INFO) << "created generation " << created.id() << " from " << model_dir;
  return std::optional(std::move(created));
}

void Engine::SetState(EngineState state, const std::string& reason) {
  {
    MutexLock lock(&mutex_);
    if (state_ == EngineState::kDraining) {
      return;
    }
    state_ = state;
    reason_ = reason;
  }
  if (options_.on_state) {
    options_.on_state(state);
  }
}

bool Engine::has_labeled_items() const {
  const LiveGenerations::Ptr active = live_.active();
  if (active == nullptr) {
    return false;
  }
  const auto records = active->Records();
  return std::any_of(records.begin(), records.end(), [](const auto& record) { return record->label.has_value(); });
}

void Engine::Drain() {
  stopping_.request_stop();
  SetState(EngineState::kDraining, "the server is shutting down");
}

EngineStatus Engine::status() const {
  const GenerationPtr generation = live_.active();
  MutexLock lock(&mutex_);
  return {.state = state_, .reason = reason_, .generation = generation};
}

absl::Status Engine::CheckServing() const {
  MutexLock lock(&mutex_);
  return state_ == EngineState::kDraining ? NotServing(v1::ERROR_REASON_DRAINING, reason_) : absl::OkStatus();
}

absl::StatusOr<Engine::GenerationPtr> Engine::Admit() const {
  SEMBLANCE_RETURN_IF_ERROR(CheckServing());
  GenerationPtr generation = live_.active();
  if (generation == nullptr) {
    MutexLock lock(&mutex_);
    return NotServing(v1::ERROR_REASON_NO_ACTIVE_GENERATION, reason_);
  }
  return generation;
}

absl::Status Engine::CheckWritable() const {
  if (read_only_) {
    return Error(absl::StatusCode::kUnavailable, v1::ERROR_REASON_READ_ONLY,
                 "the index failed to take a write that the catalog has; writes are refused until the server is restarted");
  }
  SEMBLANCE_RETURN_IF_ERROR(CheckServing());
  MutexLock lock(&mutex_);
  // A write now would miss the generation that is being loaded.
  return state_ == EngineState::kStarting ? NotServing(v1::ERROR_REASON_NO_ACTIVE_GENERATION, reason_) : absl::OkStatus();
}

void Engine::Submit(ThreadPool& pool, const CallContext& context, std::function<void()> task,
                    const std::function<void(const absl::Status&)>& refuse) {
  const bool accepted = pool.TrySchedule([context, task = std::move(task), refuse] {
    if (context.cancelled.stop_requested()) {
      refuse(absl::CancelledError("the client has gone"));
    } else if (absl::Now() > context.deadline) {
      refuse(absl::DeadlineExceededError("the deadline passed while the request waited for a worker"));
    } else {
      task();
    }
  });
  if (!accepted) {
    refuse(WithRetryDelay(Error(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_QUEUE_FULL,
                                absl::StrCat(options_.config.max_queued_requests(), " requests are waiting already")),
                          kRetryWhenFull));
  }
}

void Engine::Find(const std::string& id, const CallContext& context, const Callback<catalog::CatalogItem>& done) {
  if (const absl::Status status = CheckItemId("id", id, options_.config.limits()); !status.ok()) {
    return done(status);
  }
  Submit(
      *workers_, context, [this, id, done] { done(catalog_->Find(id)); }, done);
}

void Engine::FindWithImage(const std::string& id, const CallContext& context,
                           const Callback<std::pair<catalog::CatalogItem, std::string>>& done) {
  if (const absl::Status status = CheckItemId("id", id, options_.config.limits()); !status.ok()) {
    return done(status);
  }
  const auto read = [this, id]() -> absl::StatusOr<std::pair<catalog::CatalogItem, std::string>> {
    while (true) {
      SEMBLANCE_ASSIGN_OR_RETURN(catalog::CatalogItem item, catalog_->Find(id));
      absl::StatusOr<std::string> image = catalog_->ReadImage(item.sequence);
      if (image.ok()) {
        return std::make_pair(std::move(item), *std::move(image));
      }
      if (!absl::IsNotFound(image.status())) {
        return image.status();
      }
      // Replaced between the two reads: take the new one.
    }
  };
  Submit(
      *workers_, context, [read, done] { done(read()); }, done);
}

void Engine::List(int page_size, const std::string& page_token, const CallContext& context, const Callback<ItemPage>& done) {
  const int limit = page_size == 0 ? kDefaultPageSize : page_size;
  const absl::Status status = CheckCount("page_size", limit, options_.config.limits().max_page_size());
  absl::StatusOr<std::string> after = page_token.empty() ? std::string() : LastIdOf(page_token);
  if (!status.ok() || !after.ok()) {
    return done(status.ok() ? after.status() : status);
  }
  const auto read = [this, limit, after_id = *std::move(after)]() -> absl::StatusOr<ItemPage> {
    ItemPage page;
    // One more than asked for tells whether there is a next page.
    SEMBLANCE_ASSIGN_OR_RETURN(page.items, catalog_->List(after_id, limit + 1));
    if (page.items.size() > static_cast<size_t>(limit)) {
      page.items.pop_back();
      page.next_page_token = PageToken(page.items.back().id);
    }
    return page;
  };
  Submit(
      *workers_, context, [read, done] { done(read()); }, done);
}

}  // namespace semblance::service
