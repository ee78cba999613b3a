#include "service/generations/generation_retirement.h"

#include <utility>

#include "common/logging.h"
#include "common/status_macros.h"

namespace semblance::service {
namespace {

using storage::v1::GenerationRecord;

void LogIfNotOk(const std::string& id, const absl::Status& status) {
  if (!status.ok()) {
    LOG(ERROR) << "generation " << id << ": " << status;
  }
}

}  // namespace

GenerationRetirement::GenerationRetirement(Engine* engine, GenerationTable* table, RollbackTarget* rollback_target, Clock* clock)
    : engine_(engine),
      table_(table),
      rollback_target_(rollback_target),
      grace_(absl::Seconds(engine->config().generations().grace_seconds())),
      reaper_(clock) {}

absl::Status GenerationRetirement::Retire(const std::string& id, const std::string& reason) {
  {
    MutexLock lock(&mutex_);
    SEMBLANCE_RETURN_IF_ERROR(table_->Transition(id, GenerationState::kRetiring, reason));
    rollback_target_->Forget(id);
    LogIfNotOk(id, RecordPhase(id, GenerationRecord::PHASE_RETIRING, reason));
  }
  LiveGenerations::Ptr generation = engine_->live().Remove(id);
  // No request reads the files when the generation is not in memory.
  const absl::Duration grace = generation == nullptr ? absl::ZeroDuration() : grace_;
  reaper_.Retire(std::move(generation), grace, [this, id] {
    LogIfNotOk(id, engine_->store().Remove(id));
    table_->Erase(id);
  });
  return absl::OkStatus();
}

void GenerationRetirement::FailFollower(const std::string& id, const absl::Status& status) {
  if (const absl::Status changed = table_->Transition(id, GenerationState::kFailed, status.ToString()); !changed.ok()) {
    // It is being deleted, or its build has failed already.
    LOG(WARNING) << "generation " << id << " can follow no longer: " << status << "; " << changed.message();
    return;
  }
  reaper_.Retire(nullptr, absl::ZeroDuration(), [this, id] { UnloadFailed(id); });
}

void GenerationRetirement::UnloadFailed(const std::string& id) {
  {
    MutexLock lock(&mutex_);
    const absl::StatusOr<GenerationInfo> info = table_->Find(id);
    if (!info.ok() || info->state != GenerationState::kFailed) {
      return;  // It was deleted meanwhile.
    }
    rollback_target_->Forget(id);
    LogIfNotOk(id, RecordPhase(id, GenerationRecord::PHASE_FAILED, info->reason));
  }
  reaper_.Retire(engine_->live().Remove(id), grace_, [this, id] { LogIfNotOk(id, engine_->store().RemoveBuild(id)); });
}

void GenerationRetirement::DiscardBuild(const std::string& id, GenerationRecord::Phase phase, const std::string& reason) {
  reaper_.Retire(engine_->live().Remove(id), absl::ZeroDuration(), [] {});
  MutexLock lock(&mutex_);
  const absl::StatusOr<GenerationInfo> info = table_->Find(id);
  const absl::StatusOr<GenerationRecord> record = engine_->store().ReadRecord(id);
  const bool was_ready = !record.ok() || record->phase() == GenerationRecord::PHASE_READY;
  // If the follower failed first, that is the reason why the build has ended.
  const bool follower_failed = info.ok() && info->state == GenerationState::kFailed;
  absl::Status status =
      follower_failed ? RecordPhase(id, GenerationRecord::PHASE_FAILED, info->reason) : RecordPhase(id, phase, reason);
  if (status.ok() && !was_ready) {
    status = engine_->store().RemoveBuild(id);
  }
  LogIfNotOk(id, status);
}

void GenerationRetirement::UnloadAll() {
  const LiveGenerations::Ptr active = engine_->live().active();
  for (const GenerationInfo& info : table_->List()) {
    if (active == nullptr || info.manifest.id() != active->manifest().id()) {
      reaper_.Retire(engine_->live().Remove(info.manifest.id()), absl::ZeroDuration(), [] {});
    }
  }
}

absl::Status GenerationRetirement::RecordPhase(const std::string& id, GenerationRecord::Phase phase, const std::string& reason) {
  const absl::StatusOr<GenerationRecord> before = engine_->store().ReadRecord(id);
  if (absl::IsNotFound(before.status())) {
    return before.status();
  }
  GenerationRecord record = before.value_or(GenerationRecord());
  record.set_phase(phase);
  record.set_reason(reason);
  return engine_->store().WriteRecord(id, record);
}

}  // namespace semblance::service
