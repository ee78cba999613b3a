// Says whether the server takes requests, and if not, why.
//
// Thread-safe.
//
// Errors of the checks: Unavailable with a retry delay, and reason DRAINING or NO_ACTIVE_GENERATION.
#ifndef SEMBLANCE_SERVICE_ENGINE_SERVING_STATE_H_
#define SEMBLANCE_SERVICE_ENGINE_SERVING_STATE_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/threads/mutex.h"
#include "service/live/live_generations.h"

namespace semblance::service {

// A degraded engine serves with the generation that was active before, because the active one could not be loaded.
enum class EngineState { kStarting, kNoModel, kServing, kDegraded, kDraining };

class ServingState {
 public:
  struct Snapshot {
    EngineState state = EngineState::kStarting;
    std::string reason;
  };

  // `live` must outlive this. `on_change`, which may be empty, is called after every change, on the thread that made it.
  ServingState(const LiveGenerations* live, std::function<void(EngineState)> on_change);

  // Changes the state. Does nothing once the state is kDraining.
  void Set(EngineState state, const std::string& reason);

  Snapshot Read() const;

  // Returns OK unless the server is draining.
  absl::Status CheckServing() const;

  // Returns OK unless the server is draining or still starting. A write while it starts would miss the generation that is being
  // loaded.
  absl::Status CheckWritable() const;

  // Returns the active generation, or the reason why none answers.
  absl::StatusOr<std::shared_ptr<Generation>> Admit() const;

 private:
  const LiveGenerations* const live_;
  const std::function<void(EngineState)> on_change_;

  mutable Mutex mutex_;
  Snapshot now_ SEMBLANCE_GUARDED_BY(mutex_) = {.state = EngineState::kStarting, .reason = "starting"};
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_ENGINE_SERVING_STATE_H_
