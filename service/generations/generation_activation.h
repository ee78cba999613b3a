// Makes generations active: on command, by rollback, and by the policy of a generation that has become READY.
//
// Thread-safe. Everything that is passed by pointer must outlive it. Of two activations at the same time, one succeeds and the
// other is refused with Aborted/ACTIVE_CONFLICT. The errors are those of the RPCs in generation_service.proto.
#ifndef SEMBLANCE_SERVICE_GENERATIONS_GENERATION_ACTIVATION_H_
#define SEMBLANCE_SERVICE_GENERATIONS_GENERATION_ACTIVATION_H_

#include <atomic>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "service/engine/engine.h"
#include "service/engine/metrics.h"
#include "service/generations/generation_retirement.h"
#include "service/generations/generation_table.h"
#include "service/generations/rollback_target.h"

namespace semblance::service {

class GenerationActivation {
 public:
  // `metrics` may be null.
  GenerationActivation(Engine* engine, GenerationTable* table, GenerationRetirement* retirement, RollbackTarget* rollback_target,
                       EngineMetrics* metrics);

  // `expected_active` may be empty. With `validate_only` everything is checked and nothing is changed. Activating the active
  // generation is no error.
  absl::StatusOr<ActivationResult> Activate(const std::string& id, const std::string& expected_active, bool validate_only);
  // Activates the generation that was active before. Errors: also FailedPrecondition/NO_PREVIOUS_GENERATION.
  absl::StatusOr<ActivationResult> Rollback(const std::string& expected_active);

  // Applies the policy of a generation that was measured a moment ago and is READY. When the policy does not activate it, its
  // reason says why.
  void ActivateByPolicy(const std::string& id);

  // Runs `run` while no activation runs. Errors: those of `run`; Aborted/ACTIVE_CONFLICT when an activation is in progress.
  absl::Status RunWithoutActivation(const std::function<absl::Status()>& run);

 private:
  absl::StatusOr<ActivationResult> CheckAndActivate(const std::string& id, const std::string& expected_active, bool validate_only);
  absl::StatusOr<ActivationResult> ActivateNow(const std::string& id, const std::string& active);
  // Retires every STANDBY generation except the one that a rollback activates.
  void RetireOlderStandbys();
  std::string ActiveId() const;

  Engine* const engine_;
  GenerationTable* const table_;
  GenerationRetirement* const retirement_;
  RollbackTarget* const rollback_target_;
  EngineMetrics* const metrics_;
  // True while an activation, or a call of RunWithoutActivation, is in progress.
  std::atomic<bool> busy_ = false;
};

// Returns true when the policy of a generation asks for its activation, and the generation was measured since the server has
// started. After a restart a policy is not applied again.
bool IsToBeActivated(const GenerationInfo& info);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_GENERATIONS_GENERATION_ACTIVATION_H_
