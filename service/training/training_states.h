// The states of a training job, and which changes of state are allowed. docs/jobs.md draws them.
//
// Thread-safe: values and functions without state.
#ifndef SEMBLANCE_SERVICE_TRAINING_TRAINING_STATES_H_
#define SEMBLANCE_SERVICE_TRAINING_TRAINING_STATES_H_

#include "absl/strings/string_view.h"
#include "semblance/storage/v1/job.pb.h"
#include "service/tasks/transitions.h"

namespace semblance::service {

enum class TrainingState { kQueued, kRunning, kPublishing, kSucceeded, kFailed, kCancelling, kCancelled };

// "running".
absl::string_view TrainingStateName(TrainingState state);

// SUCCEEDED, FAILED and CANCELLED: nothing more happens until a client asks for it.
bool HasEnded(TrainingState state);

// A RUNNING or PUBLISHING job enters its state again whenever it records that it came a step further.
inline constexpr Transition<TrainingState> kTrainingTransitions[] = {
    {TrainingState::kQueued, TrainingState::kRunning},
    // The trainer had finished before the job was interrupted, or before it was resumed.
    {TrainingState::kQueued, TrainingState::kPublishing},
    {TrainingState::kQueued, TrainingState::kFailed},
    {TrainingState::kQueued, TrainingState::kCancelling},
    // No worker had begun it.
    {TrainingState::kQueued, TrainingState::kCancelled},
    {TrainingState::kRunning, TrainingState::kRunning},
    {TrainingState::kRunning, TrainingState::kPublishing},
    {TrainingState::kRunning, TrainingState::kFailed},
    {TrainingState::kRunning, TrainingState::kCancelling},
    {TrainingState::kPublishing, TrainingState::kPublishing},
    {TrainingState::kPublishing, TrainingState::kSucceeded},
    {TrainingState::kPublishing, TrainingState::kFailed},
    {TrainingState::kPublishing, TrainingState::kCancelling},
    {TrainingState::kCancelling, TrainingState::kCancelled},
    // Resume.
    {TrainingState::kFailed, TrainingState::kQueued},
    {TrainingState::kCancelled, TrainingState::kQueued},
};

// A state and how state.json names it. A phase that is not known counts as QUEUED.
TrainingState TrainingStateOf(storage::v1::JobRecord::Phase phase);
storage::v1::JobRecord::Phase PhaseOf(TrainingState state);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_TRAINING_TRAINING_STATES_H_
