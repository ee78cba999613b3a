// Ends generations off the threads that serve: waits until no request holds one, destroys it, gives its memory back to the system.
//
// Thread-safe.
#ifndef SEMBLANCE_SERVICE_GENERATIONS_GENERATION_REAPER_H_
#define SEMBLANCE_SERVICE_GENERATIONS_GENERATION_REAPER_H_

#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <thread>

#include "absl/time/time.h"
#include "common/threads/mutex.h"
#include "service/live/generation.h"

namespace semblance::service {

class GenerationReaper {
 public:
  GenerationReaper();
  // Destroys what it still has, waiting for the requests that hold it. What was to run later does not run.
  ~GenerationReaper();
  GenerationReaper(const GenerationReaper&) = delete;
  GenerationReaper& operator=(const GenerationReaper&) = delete;

  // `then` runs on the reaper's thread, `grace` after the generation was destroyed. `generation` may be null.
  void Retire(std::shared_ptr<Generation> generation, absl::Duration grace, std::function<void()> then);

 private:
  struct Retired {
    std::shared_ptr<Generation> generation;
    absl::Duration grace;
    std::function<void()> then;
    // InfiniteFuture until the generation was destroyed.
    absl::Time due = absl::InfiniteFuture();
  };

  void Run();
  // Takes one step with each; true when any of them waits for a request to end.
  bool Reap(std::list<Retired>& retired);

  Mutex mutex_;
  std::condition_variable_any changed_;
  std::list<Retired> arriving_ SEMBLANCE_GUARDED_BY(mutex_);
  bool stop_ SEMBLANCE_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_GENERATIONS_GENERATION_REAPER_H_
