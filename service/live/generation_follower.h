// Keeps an inactive generation up to date with the catalog. In rounds it reads the change log from the generation's applied
// sequence, embeds the written items in the generation's own space, and applies the changes.
//
// All followers share one thread, which outlives them. LibTorch and OpenMP need about 25 ms of processor time to set up a new
// thread, and that time would be spent just when generations change places.
//
// Thread-safe: rounds exclude each other. While a follower exists, nobody else writes to the generation.
//
// After a round the generation equals the catalog at its applied sequence, deletions included. A round reads until nothing is left
// and then applies all changes as one step. A round of more than kMaxStep changes has several steps; between them, an item that was
// written twice may have its older picture.
//
// Errors: those of EmbedStored, VectorIndex::Apply and Catalog::ReadChanges. After an error the follower makes no more rounds.
#ifndef SEMBLANCE_SERVICE_LIVE_GENERATION_FOLLOWER_H_
#define SEMBLANCE_SERVICE_LIVE_GENERATION_FOLLOWER_H_

#include <cstddef>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "catalog/catalog.h"
#include "common/clock.h"
#include "common/threads/condition.h"
#include "common/threads/mutex.h"
#include "common/threads/thread_pool.h"
#include "service/live/generation.h"

namespace semblance::service {

class GenerationFollower {
 public:
  static constexpr size_t kMaxStep = 8192;

  // `catalog`, `thread` and `clock` must outlive the follower. `on_failure` is called on the thread, once, when a round there
  // fails. It must not destroy the follower.
  GenerationFollower(std::shared_ptr<Generation> generation, const catalog::Catalog* catalog, ThreadPool* thread,
                     std::function<void(const absl::Status&)> on_failure, const Clock* clock);
  // Waits for the round that runs. Where a round is due, waits until the thread has skipped it.
  ~GenerationFollower();
  GenerationFollower(const GenerationFollower&) = delete;
  GenerationFollower& operator=(const GenerationFollower&) = delete;

  // From now on the thread makes a round soon after each Notify.
  void Start();

  // Says that the catalog has changed.
  void Notify();

  // Makes rounds on the caller's thread until nothing is left to read. Returns DeadlineExceeded when that takes longer than until
  // `deadline`; the steps that were made stay. `on_progress` may be empty; it gets the applied sequence after each step.
  absl::Status CatchUp(absl::Time deadline, const std::function<void(uint64_t)>& on_progress = nullptr);

  // While it lives, only its holder makes rounds: the follower's thread waits.
  class Hold {
   public:
    explicit Hold(GenerationFollower* follower) : follower_(follower) { follower_->rounds_.lock(); }
    ~Hold() { follower_->rounds_.unlock(); }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

    absl::Status CatchUp(absl::Time deadline) { return follower_->Rounds(deadline, nullptr); }

    // Ends all rounds, because somebody else writes to the generation from now on.
    void End() { follower_->RequestStop(); }

   private:
    GenerationFollower* const follower_;
  };

 private:
  absl::Status Rounds(absl::Time deadline, const std::function<void(uint64_t)>& on_progress);
  // Makes one step. Sets `done` when nothing is left to read.
  absl::Status Step(bool& done);
  // Runs on the thread and makes rounds while one is due.
  void Run();
  void RequestStop();
  absl::Status CheckStop();

  const std::shared_ptr<Generation> generation_;
  const catalog::Catalog* const catalog_;
  ThreadPool* const thread_;
  const std::function<void(const absl::Status&)> on_failure_;
  const Clock* const clock_;

  // Held during a round. It is locked before mutex_.
  Mutex rounds_;

  Mutex mutex_;
  Condition changed_;
  bool started_ SEMBLANCE_GUARDED_BY(mutex_) = false;
  bool due_ SEMBLANCE_GUARDED_BY(mutex_) = false;
  bool stop_ SEMBLANCE_GUARDED_BY(mutex_) = false;
  // True while Run is scheduled or running.
  bool running_ SEMBLANCE_GUARDED_BY(mutex_) = false;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_LIVE_GENERATION_FOLLOWER_H_
