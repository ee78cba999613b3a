// Manages generations: builds them beside the active one, measures them, makes them active and retires them. docs/generations.md
// has the states.
//
// Thread-safe. Methods block: Create while a bundle is copied, an activation for milliseconds, an evaluation for seconds. So RPC
// adaptors call them on threads of their own.
//
// One worker of the lowest priority builds one generation at a time. Every step that a crash must not undo is on disk before it is
// taken. A restarted server therefore resumes each generation in the state in which the process ended.
//
// Errors: NotFound/GENERATION_NOT_FOUND; Unavailable/DRAINING during a shutdown; Unavailable/NO_ACTIVE_GENERATION before the
// generations on the disk were read. The comments of the RPCs in generation_service.proto list the others.
#ifndef SEMBLANCE_SERVICE_GENERATIONS_GENERATION_CONTROLLER_H_
#define SEMBLANCE_SERVICE_GENERATIONS_GENERATION_CONTROLLER_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "service/live/generation_info.h"

namespace semblance::service {

struct GenerationList {
  // Returns the generations, the newest first.
  std::vector<GenerationInfo> generations;
  // The ids of the active generation and of the one before it; empty when there is none.
  std::string active;
  std::string previous;
};

class GenerationController {
 public:
  // Receives a generation after each of its changes, and nullopt when it is gone. It is called on the thread that made the change,
  // with one change at a time. It must be quick and must not call the controller.
  using Observer = std::function<void(const std::optional<GenerationInfo>&)>;

  virtual ~GenerationController() = default;

  virtual absl::StatusOr<GenerationInfo> Create(const GenerationSpec& spec) = 0;
  virtual absl::StatusOr<GenerationInfo> Get(const std::string& id) const = 0;
  virtual absl::StatusOr<GenerationList> List() const = 0;
  virtual absl::StatusOr<GenerationEvaluation> Evaluate(const std::string& id) = 0;
  virtual absl::StatusOr<ActivationResult> Activate(const std::string& id, const std::string& expected_active,
                                                    bool validate_only) = 0;
  virtual absl::StatusOr<ActivationResult> Rollback(const std::string& expected_active) = 0;
  virtual absl::StatusOr<GenerationInfo> Cancel(const std::string& id) = 0;
  virtual absl::Status Delete(const std::string& id) = 0;
  virtual absl::StatusOr<GenerationInfo> SetTraffic(const std::string& id, const TrafficShares& shares) = 0;

  // Calls `observer` once with the generation as it is, and then after every change, until RemoveObserver(token) has returned.
  virtual absl::StatusOr<int64_t> AddObserver(const std::string& id, Observer observer) = 0;
  virtual void RemoveObserver(int64_t token) = 0;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_GENERATIONS_GENERATION_CONTROLLER_H_
