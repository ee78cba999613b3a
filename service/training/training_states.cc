#include "service/training/training_states.h"

namespace semblance::service {

using storage::v1::JobRecord;

absl::string_view TrainingStateName(TrainingState state) {
  switch (state) {
    case TrainingState::kQueued:
      return "queued";
    case TrainingState::kRunning:
      return "running";
    case TrainingState::kPublishing:
      return "publishing";
    case TrainingState::kSucceeded:
      return "succeeded";
    case TrainingState::kFailed:
      return "failed";
    case TrainingState::kCancelling:
      return "cancelling";
    case TrainingState::kCancelled:
      break;
  }
  return "cancelled";
}

bool HasEnded(TrainingState state) {
  return state == TrainingState::kSucceeded || state == TrainingState::kFailed || state == TrainingState::kCancelled;
}

TrainingState TrainingStateOf(JobRecord::Phase phase) {
  switch (phase) {
    case JobRecord::PHASE_RUNNING:
      return TrainingState::kRunning;
    case JobRecord::PHASE_PUBLISHING:
      return TrainingState::kPublishing;
    case JobRecord::PHASE_SUCCEEDED:
      return TrainingState::kSucceeded;
    case JobRecord::PHASE_FAILED:
      return TrainingState::kFailed;
    case JobRecord::PHASE_CANCELLING:
      return TrainingState::kCancelling;
    case JobRecord::PHASE_CANCELLED:
      return TrainingState::kCancelled;
    default:
      return TrainingState::kQueued;
  }
}

JobRecord::Phase PhaseOf(TrainingState state) {
  switch (state) {
    case TrainingState::kQueued:
      return JobRecord::PHASE_QUEUED;
    case TrainingState::kRunning:
      return JobRecord::PHASE_RUNNING;
    case TrainingState::kPublishing:
      return JobRecord::PHASE_PUBLISHING;
    case TrainingState::kSucceeded:
      return JobRecord::PHASE_SUCCEEDED;
    case TrainingState::kFailed:
      return JobRecord::PHASE_FAILED;
    case TrainingState::kCancelling:
      return JobRecord::PHASE_CANCELLING;
    case TrainingState::kCancelled:
      break;
  }
  return JobRecord::PHASE_CANCELLED;
}

}  // namespace semblance::service
