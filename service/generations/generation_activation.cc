#include "service/generations/generation_activation.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/logging.h"
#include "common/status_macros.h"
#include "service/generations/generation_evaluation.h"
#include "service/generations/generation_request.h"

namespace semblance::service {
namespace {

using storage::v1::ActiveGeneration;
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

// Returns why a measured generation is not known to be better than the active one, or nullopt when it is.
std::optional<std::string> WhyNotBetter(const GenerationInfo& info, bool has_active) {
  const double tolerance = std::max(info.manifest.activation_recall_tolerance(), GatesOf(info.manifest).label_recall_tolerance());
  return NotShownBetter(*info.evaluation, tolerance, has_active);
}

}  // namespace

bool IsToBeActivated(const GenerationInfo& info) {
  return info.evaluation.has_value() && PolicyOf(info.manifest) != ActivationPolicy::kManual;
}

GenerationActivation::GenerationActivation(Engine* engine, GenerationTable* table, GenerationRetirement* retirement,
                                           RollbackTarget* rollback_target, EngineMetrics* metrics)
    : engine_(engine), table_(table), retirement_(retirement), rollback_target_(rollback_target), metrics_(metrics) {}

std::string GenerationActivation::ActiveId() const {
  const LiveGenerations::Ptr active = engine_->live().active();
  return active == nullptr ? "" : active->manifest().id();
}

absl::Status GenerationActivation::RunWithoutActivation(const std::function<absl::Status()>& run) {
  if (busy_.exchange(true)) {
    return ActivationConflict("an activation is under way; try again");
  }
  const absl::Cleanup end = [this] { busy_ = false; };
  return run();
}

absl::StatusOr<ActivationResult> GenerationActivation::Activate(const std::string& id, const std::string& expected_active,
                                                                bool validate_only) {
  absl::StatusOr<ActivationResult> result = absl::UnknownError("not called");
  const absl::Status status = RunWithoutActivation([&] {
    result = CheckAndActivate(id, expected_active, validate_only);
    return result.status();
  });
  if (!status.ok()) {
    result = status;
  }
  if (metrics_ != nullptr && !validate_only) {
    metrics_->ObserveActivation(ResultName(status), status.ok() ? result->write_pause : absl::ZeroDuration());
  }
  return result;
}

absl::StatusOr<ActivationResult> GenerationActivation::CheckAndActivate(const std::string& id, const std::string& expected_active,
                                                                        bool validate_only) {
  SEMBLANCE_ASSIGN_OR_RETURN(const GenerationInfo info, table_->Find(id));
  const std::string active = ActiveId();
  if (!expected_active.empty() && expected_active != active) {
    return ActivationConflict(
        absl::StrCat("expected_active is ", expected_active, "; ", active.empty() ? "none" : active, " is active"));
  }
  const ActivationResult unchanged = {.generation = info, .previous = active, .write_pause = absl::ZeroDuration()};
  if (info.state == GenerationState::kActive) {
    return unchanged;
  }
  if (!IsLive(info.state)) {
    return GenerationNotReady(info, info.reason);
  }
  if (info.evaluation.has_value() && !info.evaluation->failures.empty()) {
    return WithFieldPrefix(
        Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_GENERATION_GATE_FAILED, info.evaluation->failures[0]),
        "generation");
  }
  return validate_only ? unchanged : ActivateNow(id, active);
}

absl::StatusOr<ActivationResult> GenerationActivation::ActivateNow(const std::string& id, const std::string& active) {
  const generation::GenerationStore& store = engine_->store();
  SEMBLANCE_ASSIGN_OR_RETURN(const std::optional<ActiveGeneration> pointer, store.ReadActive());
  const auto make_durable = [&]() -> absl::Status {
    SEMBLANCE_ASSIGN_OR_RETURN(GenerationRecord record, store.ReadRecord(id));
    if (!record.was_active()) {
      record.set_was_active(true);
      SEMBLANCE_RETURN_IF_ERROR(store.WriteRecord(id, record));
    }
    return store.WriteActive(id, active);
  };
  const auto undo = [&] {
    const ActiveGeneration before = pointer.value_or(ActiveGeneration());
    if (const absl::Status status = store.WriteActive(before.generation(), before.previous()); !status.ok()) {
      LOG(ERROR) << "active.json names " << id << ", which was not activated: " << status;
    }
  };
  const absl::Duration max_pause = absl::Milliseconds(engine_->config().generations().max_write_pause_ms());
  SEMBLANCE_ASSIGN_OR_RETURN(const absl::Duration pause, engine_->live().Activate(id, max_pause, make_durable, undo));
  rollback_target_->Set(active);
  engine_->OnActivated(id);
  if (!active.empty()) {
    table_->TransitionOrLog(active, GenerationState::kStandby, absl::StrCat(id, " took its place"));
  }
  table_->TransitionOrLog(id, GenerationState::kActive, absl::StrCat("activated; writes waited for ", absl::FormatDuration(pause)));
  RetireOlderStandbys();
  SEMBLANCE_ASSIGN_OR_RETURN(GenerationInfo info, table_->Find(id));
  return ActivationResult{.generation = std::move(info), .previous = active, .write_pause = pause};
}

void GenerationActivation::RetireOlderStandbys() {
  const std::string previous = rollback_target_->id();
  for (const GenerationInfo& info : table_->List()) {
    const std::string& id = info.manifest.id();
    if (info.state != GenerationState::kStandby || id == previous) {
      continue;
    }
    if (const absl::Status status = retirement_->Retire(id, "a newer generation is the one to roll back to"); !status.ok()) {
      LOG(WARNING) << status.message();  // Its follower has failed at this moment.
    }
  }
}

absl::StatusOr<ActivationResult> GenerationActivation::Rollback(const std::string& expected_active) {
  const std::string previous = rollback_target_->id();
  if (previous.empty()) {
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_NO_PREVIOUS_GENERATION,
                 "no generation was active before the present one");
  }
  return Activate(previous, expected_active, /*validate_only=*/false);
}

void GenerationActivation::ActivateByPolicy(const std::string& id) {
  const absl::StatusOr<GenerationInfo> info = table_->Find(id);
  if (!info.ok() || !IsToBeActivated(*info)) {
    return;
  }
  std::optional<std::string> obstacle;
  if (PolicyOf(info->manifest) == ActivationPolicy::kIfBetter) {
    obstacle = WhyNotBetter(*info, !ActiveId().empty());
  }
  if (!obstacle.has_value()) {
    if (const absl::Status status = Activate(id, "", /*validate_only=*/false).status(); !status.ok()) {
      obstacle = status.ToString();
    }
  }
  if (obstacle.has_value()) {
    table_->Explain(id, GenerationState::kReady, absl::StrCat("not activated: ", *obstacle));
  }
}

}  // namespace semblance::service
