// Training jobs: keeps their records, runs a limited number of trainers at once, finds trainers that outlived a restart of the
// server, and publishes the models that they made. docs/jobs.md has the states.
//
// Thread-safe. Methods block for as long as a few files take to write, so RPC adaptors call them on threads of their own.
//
// Errors: NotFound/JOB_NOT_FOUND; Unavailable/DRAINING during a shutdown; Unavailable/NO_ACTIVE_GENERATION before the records were
// read; for the rest see the comments of the RPCs in training_service.proto.
#ifndef SEMBLANCE_SERVICE_TRAINING_TRAINING_CONTROLLER_H_
#define SEMBLANCE_SERVICE_TRAINING_TRAINING_CONTROLLER_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "service/training/training_info.h"

namespace semblance::service {

class TrainingController {
 public:
  // Gets a job after each of its changes, and nullopt when it was deleted. It is called on the thread that made the change, with
  // one change at a time. It must be quick, and must not call the controller except for ReadLog.
  using Observer = std::function<void(const std::optional<TrainingInfo>&)>;

  virtual ~TrainingController() = default;

  virtual absl::StatusOr<TrainingInfo> Create(const TrainingSpec& spec) = 0;
  virtual absl::StatusOr<TrainingInfo> Get(const std::string& id) const = 0;
  // The newest first.
  virtual absl::StatusOr<std::vector<TrainingInfo>> List() const = 0;
  virtual absl::StatusOr<TrainingInfo> Cancel(const std::string& id) = 0;
  virtual absl::StatusOr<TrainingInfo> Resume(const std::string& id) = 0;
  virtual absl::Status Delete(const std::string& id) = 0;

  // Returns whole lines of the trainer's log from a byte offset on, but only the last `max_lines` of them. A negative offset means
  // the end of the log. An offset beyond the end means that the log was rotated; reading starts at the beginning of the new one. A
  // log that does not exist counts as empty.
  virtual absl::StatusOr<LogLines> ReadLog(const std::string& id, int64_t offset, int max_lines) const = 0;

  // Calls `observer` once with the job as it is, and then after every change, until RemoveObserver(token) has returned.
  virtual absl::StatusOr<int64_t> AddObserver(const std::string& id, Observer observer) = 0;
  virtual void RemoveObserver(int64_t token) = 0;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_TRAINING_TRAINING_CONTROLLER_H_
