// Commands: what clients and operators ask for. generation_activation.cc has activation and rollback,
// generation_building.cc what the building thread does.
#include "service/generations/generation_lifecycle.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/digest.h"
#include "common/error.h"
#include "common/logging.h"
#include "common/status_macros.h"
#include "embedder/bundle/bundle.h"
#include "generation/index_config.h"
#include "service/generations/generation_checks.h"

namespace semblance::service {
namespace {

using storage::v1::GenerationRecord;

constexpr absl::Duration kRetry = absl::Seconds(1);
// What a row takes in memory besides its vector and code: links, key, record. An estimate, on the safe side.
constexpr int64_t kBytesPerRow = 512;

std::string DigestOf(const GenerationSpec& spec) {
  return Sha256Hex(absl::StrCat(spec.bundle_dir, "\n", spec.model_version, "\n", spec.index_factory, "\n",
                                spec.gates.min_index_recall, "\n", spec.gates.label_recall_tolerance.value_or(-1), "\n",
                                spec.gates.sample_size, "\n", static_cast<int>(spec.policy), "\n", spec.recall_tolerance));
}

std::string PolicyName(ActivationPolicy policy) {
  switch (policy) {
    case ActivationPolicy::kAlways:
      return "always";
    case ActivationPolicy::kIfBetter:
      return "if_better";
    case ActivationPolicy::kManual:
      break;
  }
  return "manual";
}

storage::v1::GenerationManifest ManifestOf(const GenerationSpec& spec, const std::string& request_digest) {
  storage::v1::GenerationManifest manifest;
  manifest.set_model_version(spec.model_version);
  manifest.set_index_factory(spec.index_factory);
  manifest.set_request_id(spec.request_id);
  manifest.set_request_digest(request_digest);
  manifest.mutable_gates()->set_min_index_recall(spec.gates.min_index_recall);
  manifest.mutable_gates()->set_sample_size(spec.gates.sample_size);
  if (spec.gates.label_recall_tolerance.has_value()) {
    manifest.mutable_gates()->set_label_recall_tolerance(*spec.gates.label_recall_tolerance);
  }
  manifest.set_activation_policy(PolicyName(spec.policy));
  if (spec.policy == ActivationPolicy::kIfBetter) {
    manifest.set_activation_recall_tolerance(spec.recall_tolerance);
  }
  return manifest;
}

}  // namespace

GenerationLifecycle::GenerationLifecycle(GenerationLifecycleOptions options, Engine* engine, JobLauncher* launcher)
    : options_(std::move(options)),
      engine_(engine),
      launcher_(launcher),
      store_(engine->store()),
      config_(engine->config().generations()),
      table_([this](GenerationInfo& info) { Complete(info); }) {
  engine_->live().SetFailureCallback([this](const std::string& id, const absl::Status& status) { FailLive(id, status); });
}

GenerationLifecycle::~GenerationLifecycle() {
  Shutdown();
  // Their followers must not call back any more.
  const std::string active = ActiveId();
  for (const GenerationInfo& info : table_.List()) {
    if (info.manifest.id() != active) {
      reaper_.Retire(engine_->live().Remove(info.manifest.id()), absl::ZeroDuration(), [] {});
    }
  }
}

void GenerationLifecycle::Shutdown() {
  stopping_.request_stop();
  {
    MutexLock lock(&mutex_);
    for (auto& [id, cancelled] : cancellations_) {
      cancelled.request_stop();
    }
  }
  changed_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  }
}

absl::Status GenerationLifecycle::CheckStarted() const {
  if (!started_) {
    return WithRetryDelay(Error(absl::StatusCode::kUnavailable, v1::ERROR_REASON_NO_ACTIVE_GENERATION, "the server is starting"),
                          kRetry);
  }
  return absl::OkStatus();
}

absl::Status GenerationLifecycle::CheckRunning() const {
  if (stopping_.stop_requested()) {
    return WithRetryDelay(Error(absl::StatusCode::kUnavailable, v1::ERROR_REASON_DRAINING, "the server is shutting down"), kRetry);
  }
  return CheckStarted();
}

std::string GenerationLifecycle::ActiveId() const {
  const LiveGenerations::Ptr active = engine_->live().active();
  return active == nullptr ? "" : active->manifest().id();
}

void GenerationLifecycle::Complete(GenerationInfo& info) const {
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
  SEMBLANCE_RETURN_IF_ERROR(CheckStarted());
  return table_.Find(id);
}

absl::StatusOr<GenerationList> GenerationLifecycle::List() const {
  SEMBLANCE_RETURN_IF_ERROR(CheckStarted());
  GenerationList list{.generations = table_.List(), .active = ActiveId(), .previous = ""};
  MutexLock lock(&mutex_);
  list.previous = previous_;
  return list;
}

absl::Status GenerationLifecycle::CheckMemory(int dimension) const {
  int64_t used = 0;
  for (const GenerationInfo& info : table_.List()) {
    used += info.memory_bytes;
  }
  const int64_t needed = engine_->item_count() * (int64_t{dimension} * 5 + kBytesPerRow);
  const int64_t budget = config_.memory_budget_mib() << 20;
  if (budget == 0 || used + needed <= budget) {
    return absl::OkStatus();
  }
  return Error(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_INSUFFICIENT_MEMORY,
               absl::StrCat("the generation is estimated at ", needed >> 20, " MiB, those that are loaded take ", used >> 20,
                            " MiB, and generations.memory_budget_mib is ", config_.memory_budget_mib(),
                            ": delete a generation or raise the budget"));
}

absl::StatusOr<GenerationInfo> GenerationLifecycle::Create(const GenerationSpec& spec) {
  SEMBLANCE_RETURN_IF_ERROR(CheckRunning());
  SEMBLANCE_RETURN_IF_ERROR(CheckSpec(spec));
  const std::string digest = DigestOf(spec);
  {
    MutexLock lock(&mutex_);
    if (!spec.request_id.empty()) {
      for (const GenerationInfo& info : table_.List()) {
        if (info.manifest.request_id() != spec.request_id) {
          continue;
        }
        return info.manifest.request_digest() == digest
                   ? absl::StatusOr<GenerationInfo>(info)
                   : WithFieldPrefix(
                         Error(absl::StatusCode::kAlreadyExists, v1::ERROR_REASON_REQUEST_ID_REUSED,
                               absl::StrCat("request_id came before with another request; it made ", info.manifest.id())),
                         "request_id");
      }
    }
    if (creating_ || !cancellations_.empty()) {
      return WithRetryDelay(Error(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_BUILD_RUNNING,
                                  absl::StrCat("generation ", cancellations_.empty() ? "" : cancellations_.begin()->first,
                                               " is being built; one is built at a time")),
                            absl::Seconds(10));
    }
    creating_ = true;
  }
  absl::StatusOr<GenerationInfo> created = CreateReserved(spec, digest);
  MutexLock lock(&mutex_);
  creating_ = false;
  return created;
}

absl::StatusOr<GenerationInfo> GenerationLifecycle::CreateReserved(const GenerationSpec& spec, const std::string& request_digest) {
  SEMBLANCE_ASSIGN_OR_RETURN(const storage::v1::BundleManifest bundle, embedder::ReadBundleManifest(spec.bundle_dir));
  SEMBLANCE_RETURN_IF_ERROR(generation::IndexOptionsOf(engine_->config().index(), spec.index_factory, bundle.dimension()).status());
  SEMBLANCE_RETURN_IF_ERROR(CheckMemory(bundle.dimension()));
  GenerationRecord record;
  record.set_phase(GenerationRecord::PHASE_BUILDING);
  GenerationInfo info;
  SEMBLANCE_ASSIGN_OR_RETURN(info.manifest, store_.Create(spec.bundle_dir, ManifestOf(spec, request_digest), record));
  info.state = GenerationState::kCreating;
  info.state_time = absl::Now();
  info.reason = "its bundle is copied and checked";
  const std::string id = info.manifest.id();
  table_.Insert(std::move(info));
  Enqueue(id, /*cancelled=*/false);
  return table_.Find(id);
}

absl::StatusOr<GenerationInfo> GenerationLifecycle::Cancel(const std::string& id) {
  SEMBLANCE_RETURN_IF_ERROR(CheckRunning());
  SEMBLANCE_ASSIGN_OR_RETURN(const GenerationInfo info, table_.Find(id));
  if (info.state == GenerationState::kCancelled) {
    return info;
  }
  {
    MutexLock lock(&mutex_);
    const auto found = cancellations_.find(id);
    if (found == cancellations_.end() || !IsBuilding(info.state)) {
      return WithFieldPrefix(Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_GENERATION_BUILT,
                                   absl::StrCat("generation ", id, " is ", GenerationStateName(info.state), "; delete it instead")),
                             "generation");
    }
    found->second.request_stop();
  }
  SEMBLANCE_RETURN_IF_ERROR(store_.RequestCancel(id));
  // The building thread stops the builder, removes the files and says CANCELLED.
  table_.Update(id, [](GenerationInfo& cancelled) { cancelled.reason = "cancelled; the builder is being stopped"; });
  return table_.Find(id);
}

absl::Status GenerationLifecycle::Delete(const std::string& id) {
  SEMBLANCE_RETURN_IF_ERROR(CheckRunning());
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
  if (activating_.exchange(true)) {
    return ActivationConflict("an activation is under way; try again");
  }
  Unload(id, GenerationRecord::PHASE_RETIRING, "deleted");
  activating_ = false;
  return absl::OkStatus();
}

void GenerationLifecycle::Unload(const std::string& id, GenerationRecord::Phase phase, const std::string& reason) {
  {
    MutexLock lock(&mutex_);
    if (previous_ == id) {
      previous_.clear();
    }
  }
  if (const absl::Status status = WritePhase(id, phase, reason); !status.ok()) {
    LOG(ERROR) << "generation " << id << ": " << status;
  }
  const bool retiring = phase == GenerationRecord::PHASE_RETIRING;
  table_.SetState(id, retiring ? GenerationState::kRetiring : GenerationState::kFailed, reason);
  LiveGenerations::Ptr generation = engine_->live().Remove(id);
  const absl::Duration grace = generation == nullptr ? absl::ZeroDuration() : absl::Seconds(config_.grace_seconds());
  reaper_.Retire(std::move(generation), grace, [this, id, retiring] {
    const absl::Status status = retiring ? store_.Remove(id) : store_.RemoveBuild(id);
    if (!status.ok()) {
      LOG(WARNING) << "the files of generation " << id << " stay: " << status;
    }
    if (retiring) {
      table_.Erase(id);
    }
  });
}

void GenerationLifecycle::FailLive(const std::string& id, const absl::Status& status) {
  // On the follower's thread, which Remove would wait for.
  table_.SetState(id, GenerationState::kFailed, status.ToString());
  reaper_.Retire(nullptr, absl::ZeroDuration(),
                 [this, id, reason = status.ToString()] { Unload(id, GenerationRecord::PHASE_FAILED, reason); });
}

absl::Status GenerationLifecycle::WritePhase(const std::string& id, GenerationRecord::Phase phase, const std::string& reason) {
  const absl::StatusOr<GenerationRecord> before = store_.ReadRecord(id);
  if (absl::IsNotFound(before.status())) {
    return before.status();
  }
  GenerationRecord record = before.value_or(GenerationRecord());
  record.set_phase(phase);
  record.set_reason(reason);
  return store_.WriteRecord(id, record);
}

absl::StatusOr<GenerationEvaluation> GenerationLifecycle::Evaluate(const std::string& id) {
  SEMBLANCE_RETURN_IF_ERROR(CheckRunning());
  SEMBLANCE_ASSIGN_OR_RETURN(const GenerationInfo info, table_.Find(id));
  const LiveGenerations::Ptr generation = engine_->live().Find(id);
  if (generation == nullptr || !IsLive(info.state)) {
    return GenerationNotReady(info, "only a loaded generation can be measured");
  }
  SEMBLANCE_ASSIGN_OR_RETURN(GenerationEvaluation evaluation, Measure(id, generation, stopping_.get_token()));
  evaluation.warm_latency = info.evaluation.has_value() ? info.evaluation->warm_latency : absl::ZeroDuration();
  table_.Update(id, [&](GenerationInfo& measured) { measured.evaluation = evaluation; });
  return evaluation;
}

absl::StatusOr<GenerationInfo> GenerationLifecycle::SetTraffic(const std::string& id, const TrafficShares& shares) {
  SEMBLANCE_RETURN_IF_ERROR(CheckRunning());
  SEMBLANCE_ASSIGN_OR_RETURN(const GenerationInfo info, table_.Find(id));
  if (info.state != GenerationState::kReady && info.state != GenerationState::kStandby) {
    return GenerationNotReady(info, "traffic goes to READY or STANDBY generations");
  }
  SEMBLANCE_RETURN_IF_ERROR(engine_->live().SetTraffic(id, shares));
  table_.Update(id, [](GenerationInfo&) {});
  return table_.Find(id);
}

absl::StatusOr<int64_t> GenerationLifecycle::AddObserver(const std::string& id, Observer observer) {
  SEMBLANCE_RETURN_IF_ERROR(CheckStarted());
  return table_.AddObserver(id, std::move(observer));
}

void GenerationLifecycle::RemoveObserver(int64_t token) {
  table_.RemoveObserver(token);
}

}  // namespace semblance::service
