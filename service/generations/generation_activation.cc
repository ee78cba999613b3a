// Activation and rollback.
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/logging.h"
#include "common/status_macros.h"
#include "service/generations/generation_lifecycle.h"

namespace semblance::service {
namespace {

using storage::v1::GenerationRecord;

// See EngineMetrics::ObserveActivation.
absl::string_view ResultName(const absl::Status& status) {
  if (status.ok()) {
    return "done";
  }
  if (absl::IsAborted(status)) {
    return "conflict";
  }
  return ReasonOf(status) == v1::ERROR_REASON_GENERATION_GATE_FAILED ? "gate_failed" : "failed";
}

}  // namespace

absl::StatusOr<ActivationResult> GenerationLifecycle::Activate(const std::string& id, const std::string& expected_active,
                                                               bool validate_only) {
  SEMBLANCE_RETURN_IF_ERROR(CheckRunning());
  if (activating_.exchange(true)) {
    return ActivationConflict("another activation is under way");
  }
  const auto activate = [&]() -> absl::StatusOr<ActivationResult> {
    SEMBLANCE_ASSIGN_OR_RETURN(const GenerationInfo info, table_.Find(id));
    const std::string active = ActiveId();
    if (!expected_active.empty() && expected_active != active) {
      return ActivationConflict(
          absl::StrCat("expected_active is ", expected_active, "; ", active.empty() ? "none" : active, " is active"));
    }
    if (info.state == GenerationState::kActive) {
      return ActivationResult{.generation = info, .previous = active, .write_pause = absl::ZeroDuration()};
    }
    if (!IsLive(info.state)) {
      return GenerationNotReady(info, info.reason);
    }
    if (info.evaluation.has_value() && !info.evaluation->failures.empty()) {
      return WithFieldPrefix(
          Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_GENERATION_GATE_FAILED, info.evaluation->failures[0]),
          "generation");
    }
    return validate_only ? ActivationResult{.generation = info, .previous = active, .write_pause = absl::ZeroDuration()}
                         : ActivateNow(id);
  };
  absl::StatusOr<ActivationResult> result = activate();
  activating_ = false;
  if (options_.metrics != nullptr && !validate_only) {
    options_.metrics->ObserveActivation(ResultName(result.status()), result.ok() ? result->write_pause : absl::ZeroDuration());
  }
  return result;
}

absl::StatusOr<ActivationResult> GenerationLifecycle::ActivateNow(const std::string& id) {
  const std::string active = ActiveId();
  SEMBLANCE_ASSIGN_OR_RETURN(const std::optional<storage::v1::ActiveGeneration> pointer, store_.ReadActive());
  const auto make_durable = [&]() -> absl::Status {
    SEMBLANCE_ASSIGN_OR_RETURN(GenerationRecord record, store_.ReadRecord(id));
    if (!record.was_active()) {
      record.set_was_active(true);
      SEMBLANCE_RETURN_IF_ERROR(store_.WriteRecord(id, record));
    }
    return store_.WriteActive(id, active);
  };
  const auto undo = [&] {
    const storage::v1::ActiveGeneration before = pointer.value_or(storage::v1::ActiveGeneration());
    if (const absl::Status status = store_.WriteActive(before.generation(), before.previous()); !status.ok()) {
      LOG(ERROR) << "active.json names " << id << ", which was not activated: " << status;
    }
  };
  SEMBLANCE_ASSIGN_OR_RETURN(const absl::Duration pause,
                             engine_->live().Activate(id, absl::Milliseconds(config_.max_write_pause_ms()), make_durable, undo));
  {
    MutexLock lock(&mutex_);
    previous_ = active;
  }
  engine_->OnActivated(id);
  if (!active.empty()) {
    table_.SetState(active, GenerationState::kStandby, absl::StrCat(id, " took its place"));
  }
  table_.SetState(id, GenerationState::kActive, absl::StrCat("activated; writes waited for ", absl::FormatDuration(pause)));
  RetireOlderStandbys();
  SEMBLANCE_ASSIGN_OR_RETURN(GenerationInfo info, table_.Find(id));
  return ActivationResult{.generation = std::move(info), .previous = active, .write_pause = pause};
}

void GenerationLifecycle::RetireOlderStandbys() {
  std::string previous;
  {
    MutexLock lock(&mutex_);
    previous = previous_;
  }
  for (const GenerationInfo& info : table_.List()) {
    if (info.state == GenerationState::kStandby && info.manifest.id() != previous) {
      Unload(info.manifest.id(), GenerationRecord::PHASE_RETIRING, "a newer generation is the one to roll back to");
    }
  }
}

absl::StatusOr<ActivationResult> GenerationLifecycle::Rollback(const std::string& expected_active) {
  std::string previous;
  {
    MutexLock lock(&mutex_);
    previous = previous_;
  }
  if (previous.empty()) {
    SEMBLANCE_RETURN_IF_ERROR(CheckRunning());
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_NO_PREVIOUS_GENERATION,
                 "no generation was active before the present one");
  }
  return Activate(previous, expected_active, /*validate_only=*/false);
}

}  // namespace semblance::service
