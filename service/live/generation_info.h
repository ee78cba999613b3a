// What the engine says of its generations, and what it is asked to do with them. Plain values; the RPC layer translates, and the
// comments of proto/semblance/v1/generation_service.proto hold here too.
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

// "catching_up".
absl::string_view GenerationStateName(GenerationState state);

// READY, ACTIVE, STANDBY: it is loaded and follows every write.
bool IsLive(GenerationState state);

// CREATING to WARMING.
bool IsBuilding(GenerationState state);

enum class ActivationPolicy { kManual, kAlways, kIfBetter };

struct GenerationGates {
  double min_index_recall = 0.95;
  std::optional<double> label_recall_tolerance;
  int sample_size = 1000;
};

struct GenerationEvaluation {
  int64_t item_count = 0;
  int64_t expected_item_count = 0;
  uint64_t sequence = 0;
  double index_recall = 0;
  std::optional<double> label_recall;
  std::optional<double> active_label_recall;
  // Items that the two are over.
  int label_query_count = 0;
  absl::Duration warm_latency = absl::ZeroDuration();
  // Empty: it may become READY.
  std::vector<std::string> failures;
  absl::Time evaluate_time;
};

struct GenerationProgress {
  int64_t done = 0;
  int64_t total = 0;
  // "items", "writes", "batches".
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
  // Of a READY generation whose policy is to activate it: empty as long as that may still come by itself.
  std::string reason;
  absl::Time state_time;
  std::optional<GenerationProgress> progress;
  std::optional<GenerationEvaluation> evaluation;
  std::optional<GenerationTraffic> traffic;
  // 0 where it is not loaded.
  uint64_t applied_sequence = 0;
  int64_t lag = 0;
  int64_t item_count = 0;
  int64_t memory_bytes = 0;
};

// Whether nothing more happens to it by itself.
bool IsAtRest(const GenerationInfo& info);

// Of asking for what only a generation in another state can do: FailedPrecondition/GENERATION_NOT_READY, field "generation".
absl::Status GenerationNotReady(const GenerationInfo& info, absl::string_view hint);

// Aborted/ACTIVE_CONFLICT.
absl::Status ActivationConflict(absl::string_view message);

struct GenerationSpec {
  // The bundle's directory, and the version it is registered under (0: none).
  std::string bundle_dir;
  int model_version = 0;
  // Empty: as the server is configured.
  std::string index_factory;
  GenerationGates gates;
  ActivationPolicy policy = ActivationPolicy::kManual;
  // Of kIfBetter: how much lower the label recall may be.
  double recall_tolerance = 0;
  // Empty: a repeated request is a new one.
  std::string request_id;
};

struct ActivationResult {
  GenerationInfo generation;
  // What was active before; empty: none.
  std::string previous;
  // How long writes waited.
  absl::Duration write_pause = absl::ZeroDuration();
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_LIVE_GENERATION_INFO_H_
