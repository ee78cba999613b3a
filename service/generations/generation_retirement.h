// Takes generations that are not active out of service, and removes their files.
//
// Thread-safe. Everything that is passed by pointer must outlive it. A method returns when the generation takes no new requests and
// this is on disk; the reaper destroys it later, when its last request has ended.
#ifndef SEMBLANCE_SERVICE_GENERATIONS_GENERATION_RETIREMENT_H_
#define SEMBLANCE_SERVICE_GENERATIONS_GENERATION_RETIREMENT_H_

#include <string>

#include "absl/status/status.h"
#include "common/clock.h"
#include "common/threads/mutex.h"
#include "service/engine/engine.h"
#include "service/generations/generation_reaper.h"
#include "service/generations/generation_table.h"
#include "service/generations/rollback_target.h"

namespace semblance::service {

class GenerationRetirement {
 public:
  GenerationRetirement(Engine* engine, GenerationTable* table, RollbackTarget* rollback_target, Clock* clock);

  // Makes a generation RETIRING. All of its files are removed after `generations.grace_seconds`, and then it leaves the table.
  // Errors: those of GenerationTable::Transition.
  absl::Status Retire(const std::string& id, const std::string& reason);

  // Makes a generation FAILED because its follower failed. Does not wait for the follower, so the follower's thread may call this.
  void FailFollower(const std::string& id, const absl::Status& status);

  // Records how a build has ended (PHASE_FAILED or PHASE_CANCELLED), unloads its generation and removes its index. If the
  // generation was READY once, the index is kept, so that an operator can look at it. Does not change the state in the table.
  void DiscardBuild(const std::string& id, storage::v1::GenerationRecord::Phase phase, const std::string& reason);

  // Unloads every generation except the active one, for the end of the server. Their files and states stay.
  void UnloadAll();

 private:
  // The part of FailFollower that waits for the follower.
  void UnloadFailed(const std::string& id);
  // Replaces a state.json that is damaged. REQUIRES: the manifest exists.
  absl::Status RecordPhase(const std::string& id, storage::v1::GenerationRecord::Phase phase, const std::string& reason)
      SEMBLANCE_REQUIRES(mutex_);

  Engine* const engine_;
  GenerationTable* const table_;
  RollbackTarget* const rollback_target_;
  const absl::Duration grace_;
  // Held while the state and the record of a generation change together.
  Mutex mutex_;
  // Last, because its tasks use everything above.
  GenerationReaper reaper_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_GENERATIONS_GENERATION_RETIREMENT_H_
