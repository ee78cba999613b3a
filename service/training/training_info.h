// What the engine says of its training jobs, and what it is asked to do. Plain values; the RPC layer translates, and the comments
// of proto/semblance/v1/training_service.proto hold here too.
#ifndef SEMBLANCE_SERVICE_TRAINING_TRAINING_INFO_H_
#define SEMBLANCE_SERVICE_TRAINING_TRAINING_INFO_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "semblance/storage/v1/job.pb.h"
#include "semblance/v1/training_config.pb.h"

namespace semblance::service {

enum class TrainingState { kQueued, kRunning, kPublishing, kSucceeded, kFailed, kCancelling, kCancelled };

// "running".
absl::string_view TrainingStateName(TrainingState state);

// SUCCEEDED, FAILED, CANCELLED: nothing happens by itself.
bool HasEnded(TrainingState state);

enum class OnSuccess { kNothing, kRegister, kBuild, kActivateIfBetter };

// As in storage::v1::JobManifest.on_success; kNothing for any other name.
absl::string_view OnSuccessName(OnSuccess on_success);
OnSuccess OnSuccessOf(absl::string_view name);

struct TrainingSpec {
  v1::TrainingConfig config;
  bool from_catalog = false;
  OnSuccess on_success = OnSuccess::kNothing;
  // 0: one.
  int replicas = 0;
  double recall_tolerance = 0;
  // Empty: as the server is configured.
  std::string index_factory;
  // Empty: a repeated request is a new one.
  std::string request_id;
};

struct TrainingInfo {
  std::string id;
  v1::TrainingConfig config;
  bool from_catalog = false;
  OnSuccess on_success = OnSuccess::kNothing;
  int replicas = 1;
  TrainingState state = TrainingState::kQueued;
  std::string reason;
  absl::Time create_time;
  absl::Time state_time;
  // Empty before the trainer has said anything.
  storage::v1::TrainerProgress progress;
  int attempt = 0;
  std::string model;
  std::string generation;
};

// Lines of a job's log.
struct LogLines {
  std::vector<std::string> lines;
  // Where the next ones begin, for TrainingController::ReadLog.
  int64_t next_offset = 0;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_TRAINING_TRAINING_INFO_H_
