// Values that describe generations, and what a client can ask of them. The RPC layer translates them; the comments of
// proto/semblance/v1/generation_service.proto apply here too.
#ifndef SEMBLANCE_SERVICE_LIVE_GENERATION_INFO_H_
#define SEMBLANCE_SERVICE_LIVE_GENERATION_INFO_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "semblance/storage/v1/generation.pb.h"
#include "semblance/v1/generation_config.pb.h"

namespace semblance::service {

enum class GenerationState {
  kCreating,
  kEmbedding,
  kIndexing,
  kLoading,
  kCatchingUp,
  kWarming,
  kReady,
  kActive,
  kStandby,
  kRetiring,
  kFailed,
  kCancelled
};

// The name in lower case, such as "catching_up".
absl::string_view GenerationStateName(GenerationState state);

// True for READY, ACTIVE and STANDBY: the generation is loaded and follows every write.
bool IsLive(GenerationState state);

// True for CREATING to WARMING.
bool IsBuilding(GenerationState state);

enum class ActivationPolicy { kManual, kAlways, kIfBetter };

// The policy on disk. Manifests of earlier versions, which have it as text, are read as well.
ActivationPolicy PolicyOf(const storage::v1::GenerationManifest& manifest);
void SetPolicy(ActivationPolicy policy, storage::v1::GenerationManifest& manifest);

struct GenerationEvaluation {
  int64_t item_count = 0;
  int64_t expected_item_count = 0;
  uint64_t sequence = 0;
  double index_recall = 0;
  std::optional<double> label_recall;
  std::optional<double> active_label_recall;
  // The number of items that both label recalls were measured with.
  int label_query_count = 0;
  absl::Duration warm_latency = absl::ZeroDuration();
  // The gates that it missed. When there are none, it may become READY.
  std::vector<std::string> failures;
  absl::Time evaluate_time;
};

struct GenerationProgress {
  int64_t done = 0;
  int64_t total = 0;
  // The unit of done and total: "items", "writes" or "batches".
  std::string unit;
  std::optional<absl::Duration> time_left;
};

struct TrafficShares {
  double canary = 0;
  double shadow = 0;
};

struct GenerationTraffic {
  TrafficShares shares;
  int64_t canary_count = 0;
  int64_t shadow_count = 0;
  int64_t shadow_dropped_count = 0;
  double shadow_overlap = 0;
};

struct GenerationInfo {
  storage::v1::GenerationManifest manifest;
  GenerationState state = GenerationState::kCreating;
  // Why it is in this state. A READY generation whose policy is to activate it has no reason until that was refused.
  std::string reason;
  absl::Time state_time;
  std::optional<GenerationProgress> progress;
  std::optional<GenerationEvaluation> evaluation;
  std::optional<GenerationTraffic> traffic;
  // These are 0 while it is not loaded.
  uint64_t applied_sequence = 0;
  int64_t lag = 0;
  int64_t item_count = 0;
  int64_t memory_bytes = 0;
};

// True when its state stays as it is until a client asks for a change.
bool IsAtRest(const GenerationInfo& info);

// The error of a request that a generation in this state cannot fulfil: FailedPrecondition/GENERATION_NOT_READY, field
// "generation". `hint` says what to do.
absl::Status GenerationNotReady(const GenerationInfo& info, absl::string_view hint);

// The error of an activation that another one got ahead of: Aborted/ACTIVE_CONFLICT.
absl::Status ActivationConflict(absl::string_view message);

struct GenerationSpec {
  // The directory of the bundle, and its version in the registry; 0 when it is not registered.
  std::string bundle_dir;
  int model_version = 0;
  // The kind of index. When it is empty, the server's configuration decides.
  std::string index_factory;
  // GenerationController::Create completes them by their rules.
  v1::GenerationGates gates;
  ActivationPolicy policy = ActivationPolicy::kManual;
  // For kIfBetter: how much lower than the active generation's the label recall may be.
  double recall_tolerance = 0;
  // Two requests with the same id are one. When it is empty, every request is a new one.
  std::string request_id;
};

struct ActivationResult {
  GenerationInfo generation;
  // The generation that was active before; empty when there was none.
  std::string previous;
  // How long the activation made writes wait.
  absl::Duration write_pause = absl::ZeroDuration();
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_LIVE_GENERATION_INFO_H_
