// Plain values that describe training jobs: what a client asks for, and what the server answers. The comments of
// proto/semblance/v1/training_service.proto hold here too.
#ifndef SEMBLANCE_SERVICE_TRAINING_TRAINING_INFO_H_
#define SEMBLANCE_SERVICE_TRAINING_TRAINING_INFO_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "semblance/storage/v1/job.pb.h"
#include "semblance/v1/training_config.pb.h"
#include "service/training/training_states.h"

namespace semblance::service {

enum class OnSuccess { kNothing, kRegister, kBuild, kActivateIfBetter };

// The names that storage::v1::JobManifest.on_success has. Any other name means kNothing.
absl::string_view OnSuccessName(OnSuccess on_success);
OnSuccess OnSuccessOf(absl::string_view name);

struct TrainingSpec {
  v1::TrainingConfig config;
  bool from_catalog = false;
  OnSuccess on_success = OnSuccess::kNothing;
  // How many processes train together; 0 means one.
  int replicas = 0;
  double recall_tolerance = 0;
  // Empty: the index that the server is configured with.
  std::string index_factory;
  // Makes a repeated request safe; empty: every request makes a new job.
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
  // Empty until the trainer has reported for the first time.
  storage::v1::TrainerProgress progress;
  int attempt = 0;
  std::string model;
  std::string generation;
};

// Lines of a job's log.
struct LogLines {
  std::vector<std::string> lines;
  // The offset of the next line, for TrainingController::ReadLog.
  int64_t next_offset = 0;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_TRAINING_TRAINING_INFO_H_
