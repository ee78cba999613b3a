// The generations that are loaded: the active one, which answers and takes the live writes, and those beside it (READY and
// STANDBY), which follow the catalog.
//
// Thread-safe. A request takes a shared_ptr<Generation> once and keeps it until it has ended. So a generation that is replaced or
// removed meanwhile stays until its last request has ended. The last owner must not be a thread of the generation's own batcher;
// GenerationReaper takes care of that for removed generations.
//
// A write learns inside the gate which generation it is committed in; see WriteGate and WritePath. An activation closes the gate
// while the follower of the next generation applies the last changes. So both are at the same sequence when they change places.
#ifndef SEMBLANCE_SERVICE_LIVE_LIVE_GENERATIONS_H_
#define SEMBLANCE_SERVICE_LIVE_LIVE_GENERATIONS_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "catalog/catalog.h"
#include "common/clock.h"
#include "common/threads/mutex.h"
#include "common/threads/thread_pool.h"
#include "service/live/generation.h"
#include "service/live/generation_follower.h"
#include "service/live/generation_traffic.h"
#include "service/live/write_gate.h"

namespace semblance::service {

class LiveGenerations {
 public:
  using Ptr = std::shared_ptr<Generation>;
  // Called when a generation can no longer follow; see GenerationFollower.
  using FailureCallback = std::function<void(const std::string& id, const absl::Status&)>;

  // A generation, and the counter of its traffic.
  struct Target {
    Ptr generation;
    std::shared_ptr<TrafficCounter> counter;
  };
  // The generations that a search goes to.
  struct Route {
    // The generation that answers. It is null when none is active. Its counter is set only for a canary.
    Target answers;
    // The generations that search too, for comparison.
    std::vector<Target> shadows;
  };

  // Both must outlive this.
  LiveGenerations(const catalog::Catalog* catalog, const Clock* clock);

  // May be empty. REQUIRES: called before the first Add.
  void SetFailureCallback(FailureCallback on_failure) { on_failure_ = std::move(on_failure); }

  WriteGate& gate() { return gate_; }

  // Null when there is none.
  Ptr active() const;
  // Null when it is not loaded.
  Ptr Find(const std::string& id) const;

  Route RouteOf(absl::string_view routing_key) const;

  // Says that a write was committed and applied to the active generation.
  void NotifyWrite();

  // Makes a generation active without an exchange. REQUIRES: nothing is being written.
  void SetActive(Ptr generation);

  // Adds a generation beside the active one. It catches up with the catalog first, and follows from then on. `on_progress` may be
  // null; it gets the applied sequence while the generation catches up. Errors: those of GenerationFollower.
  absl::Status Add(Ptr generation, const std::function<void(uint64_t)>& on_progress);

  // Runs `inside` while writes are held and the generation is at the catalog's last sequence. When that cannot be reached within
  // `max_pause`, lets the writes pass and tries again, for up to 10 s. Returns how long writes waited. REQUIRES: `inside` is quick.
  // Errors: those of the follower and of `inside`; NotFound/GENERATION_NOT_FOUND when no generation `id` is loaded beside the
  // active one; Unavailable/GENERATION_LAGGING.
  absl::StatusOr<absl::Duration> WithWritesHeld(const std::string& id, absl::Duration max_pause,
                                                const std::function<absl::Status()>& inside);

  // Swaps two generations: `id` answers from now on, and the one that answered before follows. All traffic ends. `make_durable`
  // runs before writes are held, because a sync may take long. If the swap fails afterwards, `undo` runs. Returns how long writes
  // waited. Errors: those of make_durable and of WithWritesHeld.
  absl::StatusOr<absl::Duration> Activate(const std::string& id, absl::Duration max_pause,
                                          const std::function<absl::Status()>& make_durable, const std::function<void()>& undo);

  // Takes a generation out and returns it; null when it is not loaded beside the active one. Waits for its follower.
  Ptr Remove(const std::string& id);

  // Sets the shares of live searches that a generation gets, and begins to count them. REQUIRES: the generation is loaded and not
  // active; each share is from 0 to 1. Errors: InvalidArgument/CONFIG_INVALID, field "traffic.canary_share", when all canaries
  // together have a share above 1.
  absl::Status SetTraffic(const std::string& id, const TrafficShares& shares);
  std::optional<GenerationTraffic> TrafficOf(const std::string& id) const;

  // Takes all generations out and returns them, the active one first.
  std::vector<Ptr> Clear();

 private:
  struct Entry {
    Ptr generation;
    std::shared_ptr<GenerationFollower> follower;
    // Null when it gets no traffic.
    std::shared_ptr<TrafficCounter> counter;
  };

  using Hold = GenerationFollower::Hold;

  absl::StatusOr<absl::Duration> HoldWrites(const std::string& id, absl::Duration max_pause,
                                            const std::function<absl::Status(Hold&)>& inside);
  void Swap(const std::string& id);
  std::shared_ptr<GenerationFollower> NewFollower(const Ptr& generation);
  // Null when it is not loaded, or is active.
  std::shared_ptr<GenerationFollower> FollowerOf(const std::string& id) const;

  const catalog::Catalog* const catalog_;
  const Clock* const clock_;
  // Shared by all followers. Declared before them, because they use it.
  ThreadPool follower_thread_;
  FailureCallback on_failure_;
  WriteGate gate_;
  // Held while writes are held, so that one caller does so at a time. It is locked before everything else.
  Mutex holders_;

  mutable Mutex mutex_;
  Ptr active_ SEMBLANCE_GUARDED_BY(mutex_);
  // The generations that are not active, by id.
  std::map<std::string, Entry> others_ SEMBLANCE_GUARDED_BY(mutex_);
  // True when any of them gets traffic.
  bool has_traffic_ SEMBLANCE_GUARDED_BY(mutex_) = false;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_LIVE_LIVE_GENERATIONS_H_
