#include "service/generations/generation_building.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_join.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "service/generations/generation_activation.h"
#include "service/generations/generation_evaluation.h"
#include "service/generations/generation_measurement.h"
#include "service/live/generation_loader.h"

namespace semblance::service {

using storage::v1::BuildProgress;
using storage::v1::GenerationRecord;

GenerationBuilding::GenerationBuilding(Engine* engine, GenerationTable* table, const BuildRunner* builder)
    : engine_(engine), table_(table), builder_(builder) {}

absl::Status GenerationBuilding::BuildUntilReady(DurableQueue::Task& task) {
  SEMBLANCE_ASSIGN_OR_RETURN(const Manifest manifest, engine_->store().ReadManifest(task.id()));
  SEMBLANCE_ASSIGN_OR_RETURN(Record record, engine_->store().ReadRecord(task.id()));
  SEMBLANCE_RETURN_IF_ERROR(RunBuilder(task, record));
  SEMBLANCE_RETURN_IF_ERROR(CheckDigests(manifest, record));
  SEMBLANCE_ASSIGN_OR_RETURN(const std::shared_ptr<Generation> generation, LoadAndCatchUp(task, manifest));
  if (record.phase() == GenerationRecord::PHASE_CHECKED) {
    SEMBLANCE_RETURN_IF_ERROR(EvaluateGates(task, generation));
  }
  return AnnounceReady(task, record);
}

absl::Status GenerationBuilding::SetPhase(const std::string& id, Record::Phase phase, Record& record) {
  record.set_phase(phase);
  return engine_->store().WriteRecord(id, record);
}

absl::Status GenerationBuilding::RunBuilder(const DurableQueue::Task& task, Record& record) {
  if (record.phase() != GenerationRecord::PHASE_BUILDING) {
    return absl::OkStatus();
  }
  const std::string& id = task.id();
  SEMBLANCE_RETURN_IF_ERROR(table_->Transition(id, GenerationState::kEmbedding, "semblance-builder is started"));
  SEMBLANCE_RETURN_IF_ERROR(
      builder_->RunUntilComplete(id, task.stop(), [this, &id](const BuildProgress& progress) { ShowBuild(id, progress); }));
  SEMBLANCE_RETURN_IF_ERROR(SetPhase(id, GenerationRecord::PHASE_BUILT, record));
  return table_->Transition(id, GenerationState::kLoading, "");
}

void GenerationBuilding::ShowBuild(const std::string& id, const BuildProgress& progress) {
  const absl::StatusOr<GenerationInfo> info = table_->Find(id);
  if (!info.ok()) {
    return;
  }
  if (progress.step() != BuildProgress::STEP_INDEXING) {
    table_->Explain(id, GenerationState::kEmbedding, "the catalog is embedded");
  } else if (info->state == GenerationState::kEmbedding) {
    table_->TransitionOrLog(id, GenerationState::kIndexing, "the index is built");
  }
  table_->SetProgress(id, progress.done(), progress.total(), "items");
}

absl::Status GenerationBuilding::CheckDigests(const Manifest& manifest, Record& record) {
  if (record.phase() != GenerationRecord::PHASE_BUILT) {
    return absl::OkStatus();
  }
  SEMBLANCE_RETURN_IF_ERROR(CheckBuild(engine_->store(), manifest));
  return SetPhase(manifest.id(), GenerationRecord::PHASE_CHECKED, record);
}

absl::StatusOr<std::shared_ptr<Generation>> GenerationBuilding::LoadAndCatchUp(const DurableQueue::Task& task,
                                                                               const Manifest& manifest) {
  const std::string& id = task.id();
  absl::Status catching_up = absl::UnknownError("not yet");
  const auto announce = [&](const std::string& reason) {
    if (absl::IsUnknown(catching_up)) {
      catching_up = table_->Transition(id, GenerationState::kCatchingUp, reason);
    }
  };
  const auto show = [this, &id](int64_t done, int64_t total) { table_->SetProgress(id, done, total, "writes"); };

  GenerationLoaderOptions loader = engine_->loader_options();
  loader.stop = task.stop().token();
  loader.on_progress = [&](int64_t done, int64_t total) {
    announce("what was written since it was built is embedded");
    show(done, total);
  };
  SEMBLANCE_ASSIGN_OR_RETURN(std::shared_ptr<Generation> generation,
                             LoadGeneration(engine_->store(), manifest, engine_->catalog(), loader));
  announce("what was written since it was built is applied");
  SEMBLANCE_RETURN_IF_ERROR(catching_up);
  const uint64_t begin = generation->index().applied_sequence();
  SEMBLANCE_RETURN_IF_ERROR(engine_->live().Add(generation, [&](uint64_t applied) {
    const uint64_t last = std::max(engine_->last_sequence(), applied);
    show(static_cast<int64_t>(applied - begin), static_cast<int64_t>(last - begin));
  }));
  return generation;
}

absl::Status GenerationBuilding::EvaluateGates(const DurableQueue::Task& task, const std::shared_ptr<Generation>& generation) {
  const std::string& id = task.id();
  SEMBLANCE_RETURN_IF_ERROR(table_->Transition(id, GenerationState::kWarming, "every batch size runs until its time is steady"));
  const auto show = [&](int64_t done, int64_t total) { table_->SetProgress(id, done, total, "batches"); };
  SEMBLANCE_ASSIGN_OR_RETURN(const absl::Duration warm_latency, WarmUp(*generation, task.stop().token(), show));
  SEMBLANCE_ASSIGN_OR_RETURN(GenerationEvaluation evaluation, MeasureGeneration(*engine_, generation, task.stop().token()));
  evaluation.warm_latency = warm_latency;
  table_->SetEvaluation(id, evaluation);
  if (evaluation.failures.empty()) {
    return absl::OkStatus();
  }
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_GENERATION_GATE_FAILED,
               absl::StrJoin(evaluation.failures, "; "));
}

absl::Status GenerationBuilding::AnnounceReady(DurableQueue::Task& task, Record& record) {
  const std::string& id = task.id();
  // This must run before observers are told, because an observer may create the next generation at once.
  SEMBLANCE_RETURN_IF_ERROR(task.CloseUnlessCancelled());
  if (record.phase() == GenerationRecord::PHASE_CHECKED) {
    SEMBLANCE_RETURN_IF_ERROR(SetPhase(id, GenerationRecord::PHASE_READY, record));
  }
  SEMBLANCE_ASSIGN_OR_RETURN(const GenerationInfo info, table_->Find(id));
  // The reason stays empty while the policy may still activate the generation; see GenerationInfo::reason.
  return table_->Transition(id, record.was_active() ? GenerationState::kStandby : GenerationState::kReady,
                            IsToBeActivated(info) ? "" : "it follows every write");
}

}  // namespace semblance::service
