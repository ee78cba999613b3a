#include "service/engine/serving_state.h"

#include <utility>

#include "common/error.h"

namespace semblance::service {
namespace {

constexpr absl::Duration kRetryDelay = absl::Seconds(1);

absl::Status NotServing(v1::ErrorReason reason, absl::string_view message) {
  return WithRetryDelay(Error(absl::StatusCode::kUnavailable, reason, message), kRetryDelay);
}

}  // namespace

ServingState::ServingState(const LiveGenerations* live, std::function<void(EngineState)> on_change)
    : live_(live), on_change_(std::move(on_change)) {}

void ServingState::Set(EngineState state, const std::string& reason) {
  {
    MutexLock lock(&mutex_);
    if (now_.state == EngineState::kDraining) {
      return;
    }
    now_ = {.state = state, .reason = reason};
  }
  if (on_change_) {
    on_change_(state);
  }
}

ServingState::Snapshot ServingState::Read() const {
  MutexLock lock(&mutex_);
  return now_;
}

absl::Status ServingState::CheckServing() const {
  MutexLock lock(&mutex_);
  return now_.state == EngineState::kDraining ? NotServing(v1::ERROR_REASON_DRAINING, now_.reason) : absl::OkStatus();
}

absl::Status ServingState::CheckWritable() const {
  MutexLock lock(&mutex_);
  switch (now_.state) {
    case EngineState::kDraining:
      return NotServing(v1::ERROR_REASON_DRAINING, now_.reason);
    case EngineState::kStarting:
      return NotServing(v1::ERROR_REASON_NO_ACTIVE_GENERATION, now_.reason);
    case EngineState::kNoModel:
    case EngineState::kServing:
    case EngineState::kDegraded:
      break;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<Generation>> ServingState::Admit() const {
  if (absl::Status status = CheckServing(); !status.ok()) {
    return status;
  }
  std::shared_ptr<Generation> generation = live_->active();
  if (generation == nullptr) {
    MutexLock lock(&mutex_);
    return NotServing(v1::ERROR_REASON_NO_ACTIVE_GENERATION, now_.reason);
  }
  return generation;
}

}  // namespace semblance::service
