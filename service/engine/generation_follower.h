// Keeps a generation that does not take the live writes level with the catalogue: reads the change log from where the generation
// stands, embeds what was written in the generation's own space, and applies it.
//
// Thread-safe: rounds exclude each other. While a follower exists nobody else writes to the generation.
//
// After a round the generation equals the catalogue at its applied sequence, deletions included: what a round has read is applied
// as one step, once nothing is left to read. (A round of more than kMaxStep changes has steps in between, in which an item that was
// written twice may be an older one.)
//
// Errors, of a round and then for good: as of EmbedStored, VectorIndex::Apply and Catalog::ReadChanges.
#ifndef SEMBLANCE_SERVICE_ENGINE_GENERATION_FOLLOWER_H_
#define SEMBLANCE_SERVICE_ENGINE_GENERATION_FOLLOWER_H_

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <thread>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "catalog/catalog.h"
#include "common/mutex.h"
#include "service/engine/generation.h"

namespace semblance {

class GenerationFollower {
 public:
  static constexpr size_t kMaxStep = 8192;

  // `catalog` must outlive the follower. `on_failure` is called once, on the follower's thread, when a round of that thread fails;
  // it must not destroy the follower.
  GenerationFollower(std::shared_ptr<Generation> generation, const Catalog* catalog,
                     std::function<void(const absl::Status&)> on_failure);
  // Waits for the round that runs.
  ~GenerationFollower();
  GenerationFollower(const GenerationFollower&) = delete;
  GenerationFollower& operator=(const GenerationFollower&) = delete;

  // Follows by itself from now on, on a thread of low priority: a round soon after each Notify.
  void Start();

  // Something was committed.
  void Notify();

  // Rounds on this thread until nothing is left to read. DeadlineExceeded when that is not so by `deadline`; what was done stays.
  // `on_progress`, where not empty, is called with the sequence that is applied.
  absl::Status CatchUp(absl::Time deadline, const std::function<void(uint64_t)>& on_progress = nullptr);

  // As long as it lives only its holder makes rounds: the follower's thread waits.
  class Hold {
   public:
    explicit Hold(GenerationFollower* follower) : follower_(follower) { follower_->rounds_.lock(); }
    ~Hold() { follower_->rounds_.unlock(); }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

    absl::Status CatchUp(absl::Time deadline) { return follower_->Rounds(deadline, nullptr); }

    // No more rounds from now on: somebody else writes to the generation.
    void End() { follower_->RequestStop(); }

   private:
    GenerationFollower* const follower_;
  };

 private:
  absl::Status Rounds(absl::Time deadline, const std::function<void(uint64_t)>& on_progress);
  // One step; `done`: there is nothing more to read.
  absl::Status Step(bool& done);
  void Run();
  void RequestStop();

  const std::shared_ptr<Generation> generation_;
  const Catalog* const catalog_;
  const std::function<void(const absl::Status&)> on_failure_;

  // Held during a round. Taken before mutex_.
  Mutex rounds_;

  Mutex mutex_;
  std::condition_variable_any changed_;
  bool due_ SEMBLANCE_GUARDED_BY(mutex_) = false;
  bool stop_ SEMBLANCE_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace semblance

#endif  // SEMBLANCE_SERVICE_ENGINE_GENERATION_FOLLOWER_H_
