// What the building thread does: from a bundle and the catalog to a READY generation, and after a restart to where it was.
#include <algorithm>
#include <stop_token>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "common/logging.h"
#include "common/status_macros.h"
#include "common/threads/background_thread.h"
#include "embedder/bundle/trained_images.h"
#include "service/generations/generation_evaluation.h"
#include "service/generations/generation_lifecycle.h"

namespace semblance::service {
namespace {

using storage::v1::BuildProgress;
using storage::v1::GenerationRecord;

// Below those who serve, and what it starts inherits it.
constexpr int kBuildingNiceness = 19;
constexpr int kDefaultSampleSize = 1000;
constexpr double kDefaultMinIndexRecall = 0.95;

GenerationGates GatesOf(const storage::v1::GenerationManifest& manifest) {
  GenerationGates gates;
  gates.min_index_recall = manifest.has_gates() ? manifest.gates().min_index_recall() : kDefaultMinIndexRecall;
  gates.sample_size = manifest.gates().sample_size() > 0 ? manifest.gates().sample_size() : kDefaultSampleSize;
  if (manifest.gates().has_label_recall_tolerance()) {
    gates.label_recall_tolerance = manifest.gates().label_recall_tolerance();
  }
  return gates;
}

// Progress of a state, with the time left by the rate since the state began.
GenerationProgress ProgressOf(const GenerationInfo& info, int64_t done, int64_t total, const std::string& unit) {
  GenerationProgress progress{.done = done, .total = total, .unit = unit, .time_left = std::nullopt};
  if (done > 0 && total >= done) {
    progress.time_left = (absl::Now() - info.state_time) * (static_cast<double>(total - done) / static_cast<double>(done));
  }
  return progress;
}

// Whether its policy is to be carried out: only when it was judged just now, not when it is loaded again after a restart.
bool IsToBeActivated(const GenerationInfo& info) {
  const std::string& policy = info.manifest.activation_policy();
  return info.evaluation.has_value() && (policy == "always" || policy == "if_better");
}

}  // namespace

absl::Status GenerationLifecycle::Start() {
  SEMBLANCE_ASSIGN_OR_RETURN(const std::optional<storage::v1::ActiveGeneration> pointer, store_.ReadActive());
  if (pointer.has_value() && pointer->generation() == ActiveId()) {
    MutexLock lock(&mutex_);
    previous_ = pointer->previous();
  }
  SEMBLANCE_ASSIGN_OR_RETURN(const std::vector<generation::StoredGeneration> generations, store_.List());
  for (const generation::StoredGeneration& stored : generations) {
    TakeUp(stored);
  }
  ForgetPreviousUnlessQueued();
  started_ = true;
  thread_ = std::thread([this] { Run(); });
  return absl::OkStatus();
}

void GenerationLifecycle::ForgetPreviousUnlessQueued() {
  MutexLock lock(&mutex_);
  if (cancellations_.count(previous_) == 0) {
    previous_.clear();
  }
}

void GenerationLifecycle::TakeUp(const generation::StoredGeneration& stored) {
  const std::string& id = stored.manifest.id();
  const GenerationRecord& record = stored.record;
  if (!stored.damage.ok()) {
    LOG(ERROR) << "generation " << id << " is damaged: " << stored.damage;
  }
  GenerationInfo info;
  info.manifest = stored.manifest;
  info.reason = record.reason();
  if (!absl::ParseTime(absl::RFC3339_full, record.time(), &info.state_time, nullptr)) {
    info.state_time = absl::Now();
  }
  bool queue = false;
  if (id == ActiveId()) {
    info.state = GenerationState::kActive;
  } else if (record.phase() == GenerationRecord::PHASE_FAILED) {
    info.state = GenerationState::kFailed;
  } else if (record.phase() == GenerationRecord::PHASE_CANCELLED) {
    info.state = GenerationState::kCancelled;
  } else if (record.phase() == GenerationRecord::PHASE_RETIRING) {
    if (const absl::Status status = store_.Remove(id); !status.ok()) {
      LOG(ERROR) << "the files of generation " << id << " stay: " << status;
    }
    return;
  } else {
    info.state = record.phase() == GenerationRecord::PHASE_BUILDING ? GenerationState::kCreating : GenerationState::kLoading;
    queue = true;
  }
  table_.Insert(std::move(info));
  if (queue) {
    // A cancellation that was answered is carried out, whatever came between.
    Enqueue(id, store_.CancelRequested(id));
  }
}

void GenerationLifecycle::Enqueue(const std::string& id, bool cancelled) {
  {
    MutexLock lock(&mutex_);
    std::stop_source cancellation;
    if (cancelled) {
      cancellation.request_stop();
    }
    cancellations_[id] = cancellation;
    queue_.push_back({.id = id, .cancelled = std::move(cancellation)});
  }
  changed_.notify_all();
}

void GenerationLifecycle::Run() {
  LowerThreadPriority(kBuildingNiceness);
  while (true) {
    Work work;
    {
      MutexLock lock(&mutex_);
      while (queue_.empty() && !stopping_.stop_requested()) {
        changed_.wait_for(mutex_, std::chrono::milliseconds(100));
      }
      if (stopping_.stop_requested()) {
        return;
      }
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    Process(work);
  }
}

void GenerationLifecycle::Conclude(const std::string& id) {
  MutexLock lock(&mutex_);
  cancellations_.erase(id);
}

absl::Status GenerationLifecycle::ConcludeUnlessCancelled(const Work& work) {
  MutexLock lock(&mutex_);
  if (work.cancelled.stop_requested()) {
    return absl::CancelledError("cancelled");
  }
  cancellations_.erase(work.id);
  return absl::OkStatus();
}

void GenerationLifecycle::Process(const Work& work) {
  const absl::Status status = Bring(work);
  if (status.ok()) {
    ActivateByPolicy(work.id);
    return;
  }
  if (stopping_.stop_requested()) {
    return;  // It goes on after the restart.
  }
  const bool cancelled = work.cancelled.stop_requested();
  const std::string reason = cancelled ? "cancelled" : status.ToString();
  reaper_.Retire(engine_->live().Remove(work.id), absl::ZeroDuration(), [] {});
  const absl::StatusOr<GenerationRecord> record = store_.ReadRecord(work.id);
  // What was READY once keeps its index, for a look.
  const bool half_built = record.ok() && record->phase() != GenerationRecord::PHASE_READY;
  absl::Status cleaned =
      WritePhase(work.id, cancelled ? GenerationRecord::PHASE_CANCELLED : GenerationRecord::PHASE_FAILED, reason);
  if (cleaned.ok() && half_built) {
    cleaned = store_.RemoveBuild(work.id);
  }
  if (!cleaned.ok()) {
    LOG(ERROR) << "generation " << work.id << ": " << cleaned;
  }
  Conclude(work.id);
  table_.SetState(work.id, cancelled ? GenerationState::kCancelled : GenerationState::kFailed, reason);
}

absl::Status GenerationLifecycle::Bring(const Work& work) {
  SEMBLANCE_ASSIGN_OR_RETURN(const storage::v1::GenerationManifest manifest, store_.ReadManifest(work.id));
  SEMBLANCE_ASSIGN_OR_RETURN(GenerationRecord record, store_.ReadRecord(work.id));
  if (record.phase() == GenerationRecord::PHASE_BUILDING) {
    SEMBLANCE_RETURN_IF_ERROR(RunBuild(work));
    record.set_phase(GenerationRecord::PHASE_BUILT);
    SEMBLANCE_RETURN_IF_ERROR(store_.WriteRecord(work.id, record));
  }
  table_.SetState(work.id, GenerationState::kLoading, "");
  if (record.phase() == GenerationRecord::PHASE_BUILT) {
    SEMBLANCE_RETURN_IF_ERROR(CheckBuild(store_, manifest));
    record.set_phase(GenerationRecord::PHASE_CHECKED);
    SEMBLANCE_RETURN_IF_ERROR(store_.WriteRecord(work.id, record));
  }
  SEMBLANCE_ASSIGN_OR_RETURN(const std::shared_ptr<Generation> generation, Load(work, manifest));
  if (record.phase() == GenerationRecord::PHASE_CHECKED) {
    SEMBLANCE_RETURN_IF_ERROR(Judge(work, generation));
  }
  SEMBLANCE_RETURN_IF_ERROR(ConcludeUnlessCancelled(work));
  if (record.phase() == GenerationRecord::PHASE_CHECKED) {
    record.set_phase(GenerationRecord::PHASE_READY);
    SEMBLANCE_RETURN_IF_ERROR(store_.WriteRecord(work.id, record));
  }
  SEMBLANCE_ASSIGN_OR_RETURN(const GenerationInfo info, table_.Find(work.id));
  // Without a reason where its activation comes next: see GenerationInfo::reason.
  table_.SetState(work.id, record.was_active() ? GenerationState::kStandby : GenerationState::kReady,
                  IsToBeActivated(info) ? "" : "it follows every write");
  return absl::OkStatus();
}

absl::Status GenerationLifecycle::RunBuild(const Work& work) {
  table_.SetState(work.id, GenerationState::kEmbedding, "semblance-builder is started");
  return RunBuilder(store_, work.id, options_.build, *launcher_,
                    {.cancelled = work.cancelled.get_token(), .stopping = stopping_.get_token()},
                    [this, &work](const BuildProgress& progress) { ReportBuild(work.id, progress); });
}

void GenerationLifecycle::ReportBuild(const std::string& id, const BuildProgress& progress) {
  const bool indexing = progress.step() == BuildProgress::STEP_INDEXING;
  const absl::StatusOr<GenerationInfo> info = table_.Find(id);
  if (!info.ok()) {
    return;
  }
  if (indexing && info->state == GenerationState::kEmbedding) {
    table_.SetState(id, GenerationState::kIndexing, "the index is built");
  }
  table_.Update(id, [&progress](GenerationInfo& building) {
    building.progress = ProgressOf(building, progress.done(), progress.total(), "items");
    if (building.state == GenerationState::kEmbedding) {
      building.reason = "the catalog is embedded";
    }
  });
}

absl::StatusOr<std::shared_ptr<Generation>> GenerationLifecycle::Load(const Work& work,
                                                                      const storage::v1::GenerationManifest& manifest) {
  GenerationLoaderOptions loader = engine_->loader_options();
  loader.stop = work.cancelled.get_token();
  bool catching_up = false;
  const auto report = [this, &work](int64_t done, int64_t total) {
    table_.Update(work.id, [&](GenerationInfo& info) { info.progress = ProgressOf(info, done, total, "writes"); });
  };
  loader.on_progress = [&](int64_t done, int64_t total) {
    if (!std::exchange(catching_up, true)) {
      table_.SetState(work.id, GenerationState::kCatchingUp, "what was written since it was built is embedded");
    }
    report(done, total);
  };
  SEMBLANCE_ASSIGN_OR_RETURN(std::shared_ptr<Generation> generation, LoadGeneration(store_, manifest, engine_->catalog(), loader));
  if (!catching_up) {
    table_.SetState(work.id, GenerationState::kCatchingUp, "what was written since it was built is applied");
  }
  const uint64_t begin = generation->index().applied_sequence();
  SEMBLANCE_RETURN_IF_ERROR(engine_->live().Add(generation, [&](uint64_t applied) {
    report(static_cast<int64_t>(applied - begin), static_cast<int64_t>(std::max(engine_->last_sequence(), applied) - begin));
  }));
  return generation;
}

absl::Status GenerationLifecycle::Judge(const Work& work, const std::shared_ptr<Generation>& generation) {
  table_.SetState(work.id, GenerationState::kWarming, "every batch size runs until its time is steady");
  const auto report = [&](int64_t done, int64_t total) {
    table_.Update(work.id, [&](GenerationInfo& info) { info.progress = ProgressOf(info, done, total, "batches"); });
  };
  SEMBLANCE_ASSIGN_OR_RETURN(const absl::Duration warm_latency, WarmUp(*generation, work.cancelled.get_token(), report));
  SEMBLANCE_ASSIGN_OR_RETURN(GenerationEvaluation evaluation, Measure(work.id, generation, work.cancelled.get_token()));
  evaluation.warm_latency = warm_latency;
  table_.Update(work.id, [&](GenerationInfo& info) { info.evaluation = evaluation; });
  if (evaluation.failures.empty()) {
    return absl::OkStatus();
  }
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_GENERATION_GATE_FAILED,
               absl::StrJoin(evaluation.failures, "; "));
}

absl::StatusOr<GenerationEvaluation> GenerationLifecycle::Measure(const std::string& id,
                                                                  const std::shared_ptr<Generation>& generation,
                                                                  const std::stop_token& stop) {
  const LiveGenerations::Ptr active = engine_->live().active();
  const bool is_active = generation == active;
  SEMBLANCE_ASSIGN_OR_RETURN(const GenerationInfo info, table_.Find(id));
  SEMBLANCE_ASSIGN_OR_RETURN(TrainedImages trained, embedder::ReadTrainedImages(store_.BundleDir(id)));
  if (active != nullptr && !is_active) {
    SEMBLANCE_ASSIGN_OR_RETURN(const TrainedImages others, embedder::ReadTrainedImages(store_.BundleDir(active->manifest().id())));
    trained.insert(trained.end(), others.begin(), others.end());
    std::sort(trained.begin(), trained.end());
  }
  SEMBLANCE_ASSIGN_OR_RETURN(
      GenerationEvaluation evaluation,
      semblance::service::Evaluate(*generation, is_active ? nullptr : active.get(), GatesOf(info.manifest), trained, stop));
  const auto count = [&] {
    evaluation.sequence = generation->index().applied_sequence();
    evaluation.item_count = generation->index().Stats().live_rows;
    evaluation.expected_item_count = engine_->item_count();
    return absl::OkStatus();
  };
  if (is_active) {
    // Its own writes may be under way: then the two numbers differ by them, and are no gate.
    SEMBLANCE_RETURN_IF_ERROR(count());
    return evaluation;
  }
  SEMBLANCE_RETURN_IF_ERROR(engine_->live().WithWritesHeld(id, absl::Milliseconds(config_.max_write_pause_ms()), count).status());
  if (evaluation.item_count != evaluation.expected_item_count) {
    evaluation.failures.push_back(absl::StrCat("it has ", evaluation.item_count, " items, the catalog ",
                                               evaluation.expected_item_count, " at the same sequence"));
  }
  return evaluation;
}

void GenerationLifecycle::ActivateByPolicy(const std::string& id) {
  const absl::StatusOr<GenerationInfo> info = table_.Find(id);
  if (!info.ok() || !IsToBeActivated(*info)) {
    return;
  }
  if (info->manifest.activation_policy() == "if_better") {
    const std::optional<std::string> worse = NotShownBetter(
        *info->evaluation,
        std::max(info->manifest.activation_recall_tolerance(), GatesOf(info->manifest).label_recall_tolerance.value_or(0)),
        !ActiveId().empty());
    if (worse.has_value()) {
      table_.SetState(id, GenerationState::kReady, absl::StrCat("not activated: ", *worse));
      return;
    }
  }
  if (const absl::Status status = Activate(id, "", false).status(); !status.ok()) {
    table_.SetState(id, GenerationState::kReady, absl::StrCat("not activated: ", status.ToString()));
  }
}

}  // namespace semblance::service
