#include "service/live/generation_info.h"

#include "absl/strings/str_cat.h"
#include "common/error.h"

namespace semblance::service {

using storage::v1::GenerationManifest;

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

ActivationPolicy PolicyOf(const GenerationManifest& manifest) {
  switch (manifest.policy()) {
    case GenerationManifest::POLICY_ALWAYS:
      return ActivationPolicy::kAlways;
    case GenerationManifest::POLICY_IF_BETTER:
      return ActivationPolicy::kIfBetter;
    case GenerationManifest::POLICY_UNSPECIFIED:
      break;
    default:
      return ActivationPolicy::kManual;
  }
  const std::string& text = manifest.activation_policy();
  return text == "always"      ? ActivationPolicy::kAlways
         : text == "if_better" ? ActivationPolicy::kIfBetter
                               : ActivationPolicy::kManual;
}

void SetPolicy(ActivationPolicy policy, GenerationManifest& manifest) {
  switch (policy) {
    case ActivationPolicy::kManual:
      manifest.set_policy(GenerationManifest::POLICY_MANUAL);
      break;
    case ActivationPolicy::kAlways:
      manifest.set_policy(GenerationManifest::POLICY_ALWAYS);
      break;
    case ActivationPolicy::kIfBetter:
      manifest.set_policy(GenerationManifest::POLICY_IF_BETTER);
      break;
  }
}

bool IsLive(GenerationState state) {
  return state == GenerationState::kReady || state == GenerationState::kActive || state == GenerationState::kStandby;
}

bool IsAtRest(const GenerationInfo& info) {
  switch (info.state) {
    case GenerationState::kReady:
      // When a policy does not activate a generation, the reason says why.
      return PolicyOf(info.manifest) == ActivationPolicy::kManual || !info.reason.empty();
    case GenerationState::kActive:
    case GenerationState::kStandby:
    case GenerationState::kFailed:
    case GenerationState::kCancelled:
      return true;
    default:
      return false;
  }
}

bool IsBuilding(GenerationState state) {
  return state < GenerationState::kReady;
}

absl::Status GenerationNotReady(const GenerationInfo& info, absl::string_view hint) {
  return WithFieldPrefix(
      Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_GENERATION_NOT_READY,
            absl::StrCat("generation ", info.manifest.id(), " is ", GenerationStateName(info.state), ": ", hint)),
      "generation");
}

absl::Status ActivationConflict(absl::string_view message) {
  return Error(absl::StatusCode::kAborted, v1::ERROR_REASON_ACTIVE_CONFLICT, message);
}

}  // namespace semblance::service
