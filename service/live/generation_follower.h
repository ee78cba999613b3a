// Keeps a generation that does not take the live writes level with the catalog: reads the change log from where the generation
// stands, embeds what was written in the generation's own space, and applies it.
//
// All followers share one thread, which lives on when they go: a new one would first spend some 25 ms of a processor on what
// LibTorch and OpenMP set up for each thread, right when generations change places.
//
// Thread-safe: rounds exclude each other. While a follower exists nobody else writes to the generation.
//
// After a round the generation equals the catalog at its applied sequence, deletions included: what a round has read is applied
// as one step, once nothing is left to read. (A round of more than kMaxStep changes has steps in between, in which an item that was
// written twice may be an older one.)
//
// Errors, of a round and then for good: as of EmbedStored, VectorIndex::Apply and Catalog::ReadChanges.
#ifndef SEMBLANCE_SERVICE_LIVE_GENERATION_FOLLOWER_H_
#define SEMBLANCE_SERVICE_LIVE_GENERATION_FOLLOWER_H_

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "catalog/catalog.h"
#include "common/clock.h"
#include "common/threads/mutex.h"
#include "common/threads/thread_pool.h"
#include "service/live/generation.h"

namespace semblance::service {

class GenerationFollower {
 public:
  static constexpr size_t kMaxStep = 8192;

  // `catalog` and `thread` must outlive the follower. `on_failure` is called once, on the thread, when a round of it fails; it must
  // not destroy the follower.
  GenerationFollower(std::shared_ptr<Generation> generation, const catalog::Catalog* catalog, ThreadPool* thread,
                     std::function<void(const absl::Status&)> on_failure, const Clock* clock);
  // Waits for the round that runs, and for its turn on the thread where one is due.
  ~GenerationFollower();
  GenerationFollower(const GenerationFollower&) = delete;
  GenerationFollower& operator=(const GenerationFollower&) = delete;

  // Follows by itself from now on, on the thread: a round soon after each Notify.
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
  // On the thread: rounds while any is due.
  void Run();
  void RequestStop();
  absl::Status CheckStop();

  const std::shared_ptr<Generation> generation_;
  const catalog::Catalog* const catalog_;
  ThreadPool* const thread_;
  const std::function<void(const absl::Status&)> on_failure_;
  const Clock* const clock_;

  // Held during a round. Taken before mutex_.
  Mutex rounds_;

  Mutex mutex_;
  std::condition_variable_any changed_;
  bool started_ SEMBLANCE_GUARDED_BY(mutex_) = false;
  bool due_ SEMBLANCE_GUARDED_BY(mutex_) = false;
  bool stop_ SEMBLANCE_GUARDED_BY(mutex_) = false;
  // Run is on the thread or on its way there.
  bool running_ SEMBLANCE_GUARDED_BY(mutex_) = false;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_LIVE_GENERATION_FOLLOWER_H_
