#include "service/engine/generation_info.h"

namespace semblance {

absl::string_view GenerationStateName(GenerationState state) {
  switch (state) {
    case GenerationState::kCreating:
      return "creating";
    case GenerationState::kEmbedding:
      return "embedding";
    case GenerationState::kIndexing:
      return "indexing";
    case GenerationState::kLoading:
      return "loading";
    case GenerationState::kCatchingUp:
      return "catching_up";
    case GenerationState::kWarming:
      return "warming";
    case GenerationState::kReady:
      return "ready";
    case GenerationState::kActive:
      return "active";
    case GenerationState::kStandby:
      return "standby";
    case GenerationState::kRetiring:
      return "retiring";
    case GenerationState::kFailed:
      return "failed";
    case GenerationState::kCancelled:
      return "cancelled";
  }
  return "";
}

bool IsLive(GenerationState state) {
  return state == GenerationState::kReady || state == GenerationState::kActive || state == GenerationState::kStandby;
}

bool IsBuilding(GenerationState state) {
  return state < GenerationState::kReady;
}

}  // namespace semblance
