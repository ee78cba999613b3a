// Lists the changes of a generation's state that are allowed. docs/generations.md draws them.
//
// Thread-safe: values.
#ifndef SEMBLANCE_SERVICE_GENERATIONS_GENERATION_STATES_H_
#define SEMBLANCE_SERVICE_GENERATIONS_GENERATION_STATES_H_

#include "service/live/generation_info.h"
#include "service/tasks/transitions.h"

namespace semblance::service {

inline constexpr Transition<GenerationState> kGenerationTransitions[] = {
    // Building.
    {GenerationState::kCreating, GenerationState::kEmbedding},
    {GenerationState::kEmbedding, GenerationState::kIndexing},
    // The builder may finish between two looks at its progress.
    {GenerationState::kEmbedding, GenerationState::kLoading},
    {GenerationState::kIndexing, GenerationState::kLoading},
    {GenerationState::kLoading, GenerationState::kCatchingUp},
    {GenerationState::kCatchingUp, GenerationState::kWarming},
    // The generation passed its gates before the server restarted.
    {GenerationState::kCatchingUp, GenerationState::kReady},
    {GenerationState::kCatchingUp, GenerationState::kStandby},
    {GenerationState::kWarming, GenerationState::kReady},

    // Activation and rollback.
    {GenerationState::kReady, GenerationState::kActive},
    {GenerationState::kStandby, GenerationState::kActive},
    {GenerationState::kActive, GenerationState::kStandby},

    // An error.
    {GenerationState::kCreating, GenerationState::kFailed},
    {GenerationState::kEmbedding, GenerationState::kFailed},
    {GenerationState::kIndexing, GenerationState::kFailed},
    {GenerationState::kLoading, GenerationState::kFailed},
    {GenerationState::kCatchingUp, GenerationState::kFailed},
    {GenerationState::kWarming, GenerationState::kFailed},
    {GenerationState::kReady, GenerationState::kFailed},
    {GenerationState::kStandby, GenerationState::kFailed},
    // A generation that was just replaced follows the change log from that moment, and may fail before it is shown as STANDBY.
    {GenerationState::kActive, GenerationState::kFailed},

    // Cancel.
    {GenerationState::kCreating, GenerationState::kCancelled},
    {GenerationState::kEmbedding, GenerationState::kCancelled},
    {GenerationState::kIndexing, GenerationState::kCancelled},
    {GenerationState::kLoading, GenerationState::kCancelled},
    {GenerationState::kCatchingUp, GenerationState::kCancelled},
    {GenerationState::kWarming, GenerationState::kCancelled},

    // Delete, or an activation that leaves a newer STANDBY.
    {GenerationState::kReady, GenerationState::kRetiring},
    {GenerationState::kStandby, GenerationState::kRetiring},
    {GenerationState::kFailed, GenerationState::kRetiring},
    {GenerationState::kCancelled, GenerationState::kRetiring},
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_GENERATIONS_GENERATION_STATES_H_
