// Destroys generations away from the threads that serve, and returns their memory to the system.
//
// Thread-safe. The clock must outlive it.
//
// A request that was admitted before holds its generation. The last owner of a generation hands it to the reaper's worker, which
// destroys it there. So no thread waits for requests to end, and no request pays for the destruction.
#ifndef SEMBLANCE_SERVICE_GENERATIONS_GENERATION_REAPER_H_
#define SEMBLANCE_SERVICE_GENERATIONS_GENERATION_REAPER_H_

#include <functional>
#include <list>
#include <memory>
#include <stop_token>

#include "absl/time/time.h"
#include "common/clock.h"
#include "common/threads/condition.h"
#include "common/threads/mutex.h"
#include "common/threads/worker.h"
#include "service/live/generation.h"

namespace semblance::service {

class GenerationReaper {
 public:
  explicit GenerationReaper(Clock* clock);
  // Waits for the requests that hold retired generations, and destroys these. A `then` whose time has not come does not run.
  ~GenerationReaper();
  GenerationReaper(const GenerationReaper&) = delete;
  GenerationReaper& operator=(const GenerationReaper&) = delete;

  // Runs `then` on the reaper's worker when the last owner has let go of the generation and `grace` has passed since then.
  // `generation` may be null. REQUIRES: it was made by ShareGeneration, and is retired once.
  void Retire(std::shared_ptr<Generation> generation, absl::Duration grace, std::function<void()> then);

 private:
  struct Released {
    // Null when it is destroyed, or when there was none.
    std::unique_ptr<Generation> generation;
    absl::Duration grace;
    std::function<void()> then;
    // The time at which `then` runs. It is set when the generation is destroyed.
    absl::Time due = absl::InfinitePast();
  };

  void Release(Released released);
  void Run(const std::stop_token& stop);
  // Waits for released generations until `deadline`, and returns them.
  std::list<Released> AwaitReleased(absl::Time deadline, const std::stop_token& stop);
  // Runs every `then` that is due. Returns the time at which the next one is due.
  absl::Time RunDue(std::list<Released>& waiting) const;

  Clock* const clock_;
  Mutex mutex_;
  Condition changed_;
  std::list<Released> released_ SEMBLANCE_GUARDED_BY(mutex_);
  // Ends the worker's wait for the clock when something was released.
  std::stop_source wake_ SEMBLANCE_GUARDED_BY(mutex_);
  // The number of retired generations that requests still hold.
  int held_ SEMBLANCE_GUARDED_BY(mutex_) = 0;
  Worker worker_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_GENERATIONS_GENERATION_REAPER_H_
