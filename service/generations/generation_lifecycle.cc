#include "service/generations/generation_lifecycle.h"

#include <set>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/logging.h"
#include "common/status_macros.h"
#include "common/threads/background_thread.h"
#include "embedder/bundle/bundle.h"
#include "generation/index_config.h"
#include "service/generations/generation_checks.h"
#include "service/generations/generation_measurement.h"
#include "service/generations/generation_request.h"

namespace semblance::service {
namespace {

using storage::v1::GenerationRecord;

// This is lower than the priority of the threads that serve. Programs that the building worker starts inherit it.
constexpr int kBuildingNiceness = 19;
constexpr absl::Duration kBuildRetry = absl::Seconds(10);
// A generous estimate of the memory for a row besides its vector and code: links, key and record.
constexpr int64_t kBytesPerRow = 512;

absl::Status BuildRunning(const std::string& id) {
  return WithRetryDelay(Error(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_BUILD_RUNNING,
                              absl::StrCat("generation ", id, " is being built; one is built at a time")),
                        kBuildRetry);
}

// Returns the state that a starting server gives to a generation that is not active.
GenerationState StateOf(GenerationRecord::Phase phase) {
  switch (phase) {
    case GenerationRecord::PHASE_FAILED:
      return GenerationState::kFailed;
    case GenerationRecord::PHASE_CANCELLED:
      return GenerationState::kCancelled;
    case GenerationRecord::PHASE_BUILDING:
      return GenerationState::kCreating;
    default:
      return GenerationState::kLoading;
  }
}

}  // namespace

GenerationLifecycle::GenerationLifecycle(GenerationLifecycleOptions options, Engine* engine, JobLauncher* launcher, Clock* clock)
    : engine_(engine),
      store_(engine->store()),
      clock_(clock),
      table_([this](GenerationInfo& info) { Measure(info); }, clock),
      builder_(std::move(options.build), &store_, launcher, clock),
      retirement_(engine, &table_, &rollback_target_, clock),
      activation_(engine, &table_, &retirement_, &rollback_target_, options.metrics),
      building_(engine, &table_, &builder_),
      queue_({.name = "generations", .worker_count = 1, .on_worker_start = [] { LowerThreadPriority(kBuildingNiceness); }},
             [this](DurableQueue::Task& task) { RunTask(task); }) {
  engine_->live().SetFailureCallback(
      [this](const std::string& id, const absl::Status& status) { retirement_.FailFollower(id, status); });
}

GenerationLifecycle::~GenerationLifecycle() {
  Shutdown();
  // Followers call back when they fail, so they end first.
  retirement_.UnloadAll();
}

void GenerationLifecycle::Shutdown() {
  evaluations_stop_.request_stop();
  queue_.Shutdown();
}

absl::Status GenerationLifecycle::Start() {
  SEMBLANCE_ASSIGN_OR_RETURN(const std::optional<storage::v1::ActiveGeneration> pointer, store_.ReadActive());
  SEMBLANCE_ASSIGN_OR_RETURN(const std::vector<generation::StoredGeneration> generations, store_.List());
  std::set<std::string> pending;
  for (const generation::StoredGeneration& stored : generations) {
    if (Recover(stored)) {
      pending.insert(stored.manifest.id());
    }
  }
  // The previous generation may have failed, or been deleted, since active.json was written.
  if (pointer.has_value() && pointer->generation() == ActiveId() && pending.count(pointer->previous()) > 0) {
    rollback_target_.Set(pointer->previous());
  }
  for (const std::string& id : pending) {
    queue_.Add(id);
    if (store_.CancelRequested(id)) {
      // An earlier server has accepted the cancellation.
      queue_.Cancel(id);
    }
  }
  queue_.Start();
  return absl::OkStatus();
}

bool GenerationLifecycle::Recover(const generation::StoredGeneration& stored) {
  const std::string& id = stored.manifest.id();
  const GenerationRecord& record = stored.record;
  if (!stored.damage.ok()) {
    LOG(ERROR) << "generation " << id << " is damaged: " << stored.damage;
  }
  if (id != ActiveId() && record.phase() == GenerationRecord::PHASE_RETIRING) {
    if (const absl::Status status = store_.Remove(id); !status.ok()) {
      LOG(ERROR) << "the files of generation " << id << " stay: " << status;
    }
    return false;
  }
  GenerationInfo info;
  info.manifest = stored.manifest;
  info.reason = record.reason();
  if (!absl::ParseTime(absl::RFC3339_full, record.time(), &info.state_time, nullptr)) {
    info.state_time = clock_->Now();
  }
  info.state = id == ActiveId() ? GenerationState::kActive : StateOf(record.phase());
  const bool is_pending = IsBuilding(info.state);
  table_.Insert(std::move(info));
  return is_pending;
}

void GenerationLifecycle::RunTask(DurableQueue::Task& task) {
  const absl::Status status = building_.BuildUntilReady(task);
  if (status.ok()) {
    if (queue_.CheckRunning().ok()) {
      activation_.ActivateByPolicy(task.id());
    }
    return;
  }
  if (task.stop().shutting_down()) {
    return;  // The next server resumes it.
  }
  const bool cancelled = task.stop().cancelled();
  const std::string reason = cancelled ? "cancelled" : status.ToString();
  retirement_.DiscardBuild(task.id(), cancelled ? GenerationRecord::PHASE_CANCELLED : GenerationRecord::PHASE_FAILED, reason);
  // This must run before observers are told of the end, because an observer may create the next generation at once.
  task.Close();
  // The change is refused when the follower has failed before, because the generation is FAILED already.
  if (const absl::Status changed =
          table_.Transition(task.id(), cancelled ? GenerationState::kCancelled : GenerationState::kFailed, reason);
      !changed.ok()) {
    LOG(WARNING) << changed.message() << " (" << reason << ")";
  }
}

std::string GenerationLifecycle::ActiveId() const {
  const LiveGenerations::Ptr active = engine_->live().active();
  return active == nullptr ? "" : active->manifest().id();
}

void GenerationLifecycle::Measure(GenerationInfo& info) const {
  const LiveGenerations::Ptr generation = engine_->live().Find(info.manifest.id());
  if (generation == nullptr) {
    return;
  }
  const index::IndexStats stats = generation->index().Stats();
  info.item_count = stats.live_rows;
  info.memory_bytes = stats.memory_bytes;
  info.applied_sequence = generation->index().applied_sequence();
  const uint64_t last = engine_->last_sequence();
  info.lag = last > info.applied_sequence ? static_cast<int64_t>(last - info.applied_sequence) : 0;
  info.traffic = engine_->live().TrafficOf(info.manifest.id());
}

absl::StatusOr<GenerationInfo> GenerationLifecycle::Get(const std::string& id) const {
  SEMBLANCE_RETURN_IF_ERROR(queue_.CheckStarted());
  return table_.Find(id);
}

absl::StatusOr<GenerationList> GenerationLifecycle::List() const {
  SEMBLANCE_RETURN_IF_ERROR(queue_.CheckStarted());
  return GenerationList{.generations = table_.List(), .active = ActiveId(), .previous = rollback_target_.id()};
}

absl::Status GenerationLifecycle::CheckMemory(int dimension) const {
  int64_t used = 0;
  for (const GenerationInfo& info : table_.List()) {
    used += info.memory_bytes;
  }
  const int64_t needed = engine_->item_count() * (int64_t{dimension} * 5 + kBytesPerRow);
  const int64_t budget_mib = engine_->config().generations().memory_budget_mib();
  if (budget_mib == 0 || used + needed <= budget_mib << 20) {
    return absl::OkStatus();
  }
  return Error(
      absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_INSUFFICIENT_MEMORY,
      absl::StrCat("the generation is estimated at ", needed >> 20, " MiB, those that are loaded take ", used >> 20,
                   " MiB, and generations.memory_budget_mib is ", budget_mib, ": delete a generation or raise the budget"));
}

absl::StatusOr<GenerationInfo> GenerationLifecycle::Create(const GenerationSpec& request) {
  SEMBLANCE_RETURN_IF_ERROR(queue_.CheckRunning());
  SEMBLANCE_ASSIGN_OR_RETURN(const GenerationSpec spec, CompleteSpec(request));
  SEMBLANCE_ASSIGN_OR_RETURN(std::optional<GenerationInfo> before, ReserveBuild(spec));
  if (before.has_value()) {
    return *std::move(before);
  }
  const absl::Cleanup end = [this] {
    MutexLock lock(&mutex_);
    creating_ = false;
  };
  return CreateReserved(spec);
}

absl::StatusOr<std::optional<GenerationInfo>> GenerationLifecycle::ReserveBuild(const GenerationSpec& spec) {
  MutexLock lock(&mutex_);
  SEMBLANCE_ASSIGN_OR_RETURN(std::optional<GenerationInfo> before, FindRequest(spec, table_.List()));
  if (before.has_value()) {
    return before;
  }
  const std::optional<std::string> open = queue_.AnyOpen();
  if (creating_ || open.has_value()) {
    return BuildRunning(open.value_or(""));
  }
  creating_ = true;
  return std::nullopt;
}

absl::StatusOr<GenerationInfo> GenerationLifecycle::CreateReserved(const GenerationSpec& spec) {
  SEMBLANCE_ASSIGN_OR_RETURN(const storage::v1::BundleManifest bundle, embedder::ReadBundleManifest(spec.bundle_dir));
  SEMBLANCE_RETURN_IF_ERROR(generation::IndexOptionsOf(engine_->config().index(), spec.index_factory, bundle.dimension()).status());
  SEMBLANCE_RETURN_IF_ERROR(CheckMemory(bundle.dimension()));
  GenerationRecord record;
  record.set_phase(GenerationRecord::PHASE_BUILDING);
  GenerationInfo info;
  SEMBLANCE_ASSIGN_OR_RETURN(info.manifest, store_.Create(spec.bundle_dir, ManifestOf(spec), record));
  info.state = GenerationState::kCreating;
  info.state_time = clock_->Now();
  info.reason = "its bundle is copied and checked";
  const std::string id = info.manifest.id();
  table_.Insert(std::move(info));
  queue_.Add(id);
  return table_.Find(id);
}

absl::StatusOr<GenerationInfo> GenerationLifecycle::Cancel(const std::string& id) {
  SEMBLANCE_RETURN_IF_ERROR(queue_.CheckRunning());
  SEMBLANCE_ASSIGN_OR_RETURN(const GenerationInfo info, table_.Find(id));
  if (info.state == GenerationState::kCancelled) {
    return info;
  }
  if (!IsBuilding(info.state) || !queue_.Cancel(id)) {
    return WithFieldPrefix(Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_GENERATION_BUILT,
                                 absl::StrCat("generation ", id, " is ", GenerationStateName(info.state), "; delete it instead")),
                           "generation");
  }
  // The worker stops the builder, removes its files and makes the generation CANCELLED. This file is for a builder on another
  // machine, and for the next server.
  SEMBLANCE_RETURN_IF_ERROR(store_.RequestCancel(id));
  table_.Explain(id, info.state, "cancelled; the builder is being stopped");
  return table_.Find(id);
}

absl::Status GenerationLifecycle::Delete(const std::string& id) {
  SEMBLANCE_RETURN_IF_ERROR(queue_.CheckRunning());
  return activation_.RunWithoutActivation([&]() -> absl::Status {
    SEMBLANCE_ASSIGN_OR_RETURN(const GenerationInfo info, table_.Find(id));
    if (info.state == GenerationState::kActive) {
      return WithFieldPrefix(Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_GENERATION_ACTIVE,
                                   absl::StrCat("generation ", id, " answers; activate another one first")),
                             "generation");
    }
    if (info.state == GenerationState::kRetiring) {
      return absl::OkStatus();
    }
    if (IsBuilding(info.state)) {
      return GenerationNotReady(info, "cancel it first");
    }
    return retirement_.Retire(id, "deleted");
  });
}

absl::StatusOr<ActivationResult> GenerationLifecycle::Activate(const std::string& id, const std::string& expected_active,
                                                               bool validate_only) {
  SEMBLANCE_RETURN_IF_ERROR(queue_.CheckRunning());
  return activation_.Activate(id, expected_active, validate_only);
}

absl::StatusOr<ActivationResult> GenerationLifecycle::Rollback(const std::string& expected_active) {
  SEMBLANCE_RETURN_IF_ERROR(queue_.CheckRunning());
  return activation_.Rollback(expected_active);
}

absl::StatusOr<GenerationEvaluation> GenerationLifecycle::Evaluate(const std::string& id) {
  SEMBLANCE_RETURN_IF_ERROR(queue_.CheckRunning());
  SEMBLANCE_ASSIGN_OR_RETURN(const GenerationInfo info, table_.Find(id));
  const LiveGenerations::Ptr generation = engine_->live().Find(id);
  if (generation == nullptr || !IsLive(info.state)) {
    return GenerationNotReady(info, "only a loaded generation can be measured");
  }
  SEMBLANCE_ASSIGN_OR_RETURN(GenerationEvaluation evaluation,
                             MeasureGeneration(*engine_, generation, evaluations_stop_.get_token()));
  evaluation.warm_latency = info.evaluation.has_value() ? info.evaluation->warm_latency : absl::ZeroDuration();
  table_.SetEvaluation(id, evaluation);
  return evaluation;
}

absl::StatusOr<GenerationInfo> GenerationLifecycle::SetTraffic(const std::string& id, const TrafficShares& shares) {
  SEMBLANCE_RETURN_IF_ERROR(queue_.CheckRunning());
  SEMBLANCE_ASSIGN_OR_RETURN(const GenerationInfo info, table_.Find(id));
  if (info.state != GenerationState::kReady && info.state != GenerationState::kStandby) {
    return GenerationNotReady(info, "traffic goes to READY or STANDBY generations");
  }
  SEMBLANCE_RETURN_IF_ERROR(CheckShares(shares));
  SEMBLANCE_RETURN_IF_ERROR(engine_->live().SetTraffic(id, shares));
  table_.Touch(id);
  return table_.Find(id);
}

absl::StatusOr<int64_t> GenerationLifecycle::AddObserver(const std::string& id, Observer observer) {
  SEMBLANCE_RETURN_IF_ERROR(queue_.CheckStarted());
  return table_.AddObserver(id, std::move(observer));
}

}  // namespace semblance::service
