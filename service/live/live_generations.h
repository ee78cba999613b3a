// The generations that are loaded: the active one, which answers and takes the live writes, and those that follow the catalog
// beside it (READY and STANDBY).
//
// Thread-safe. Readers take a shared_ptr<Generation> once and keep it as long as their request runs: a generation that is replaced
// or removed meanwhile goes on until its last request has ended. Who removes one sees to that (GenerationReaper): the last owner
// must not be a thread of the generation's own batcher.
//
// Which generation a write is committed in is decided inside the gate: see WriteGate and Engine::CommitUpsert. Activation holds the
// gate while the follower of the next generation takes what is left, so that both are at the same sequence when they change places.
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
  // Told when a generation can no longer follow; see GenerationFollower.
  using FailureCallback = std::function<void(const std::string& id, const absl::Status&)>;

  // A generation and what is counted of the traffic that it gets.
  struct Target {
    Ptr generation;
    std::shared_ptr<TrafficCounter> counter;
  };
  // Where a search goes.
  struct Route {
    // Null without an active generation. `counter` is set for a canary.
    Target answers;
    // To be asked as well, for comparison.
    std::vector<Target> shadows;
  };

  // `catalog` must outlive this.
  LiveGenerations(const catalog::Catalog* catalog, const Clock* clock);

  // Set before the first Add; may be empty.
  void SetFailureCallback(FailureCallback on_failure) { on_failure_ = std::move(on_failure); }

  WriteGate& gate() { return gate_; }

  // Null without one.
  Ptr active() const;
  // Null where it is not loaded.
  Ptr Find(const std::string& id) const;

  Route RouteOf(absl::string_view routing_key) const;

  // A write was committed and applied to the active generation.
  void NotifyWrite();

  // Makes a generation active at the start, when nothing is written yet.
  void SetActive(Ptr generation);

  // Takes in a generation beside the active one; it follows the catalog from where it stands. `on_progress` is told the applied
  // sequence until it has caught up for the first time. Errors: of the follower; Cancelled when `*cancelled` becomes true.
  absl::Status Add(Ptr generation, const std::function<void(uint64_t)>& on_progress);

  // Holds all writes, with the generation at the catalog's last sequence, while `inside` (quick) runs: within `max_pause`, or it
  // lets them pass and tries again, for up to 10 s. Returns how long they waited. REQUIRES: `id` is loaded and not active. Errors:
  // of the follower, of `inside`; NotFound/GENERATION_NOT_FOUND; Unavailable/GENERATION_LAGGING.
  absl::StatusOr<absl::Duration> WithWritesHeld(const std::string& id, absl::Duration max_pause,
                                                const std::function<absl::Status()>& inside);

  // Lets two generations change places: `id` answers from now on, and the one that did follows. All traffic ends. `make_durable`
  // runs before writes are held (a sync may take long); when the places are not changed after all, `undo` runs. Returns how long
  // writes waited. REQUIRES, errors: as of WithWritesHeld; of make_durable.
  absl::StatusOr<absl::Duration> Activate(const std::string& id, absl::Duration max_pause,
                                          const std::function<absl::Status()>& make_durable, const std::function<void()>& undo);

  // Takes out a generation that is not active and returns it, for the reaper; null where it is not loaded. Waits for its follower.
  Ptr Remove(const std::string& id);

  // Errors: InvalidArgument/CONFIG_INVALID. REQUIRES: loaded and not active.
  absl::Status SetTraffic(const std::string& id, const TrafficShares& shares);
  std::optional<GenerationTraffic> TrafficOf(const std::string& id) const;

  // Takes all of them out, for the end.
  std::vector<Ptr> Clear();

 private:
  struct Entry {
    Ptr generation;
    std::shared_ptr<GenerationFollower> follower;
    // Null without traffic.
    std::shared_ptr<TrafficCounter> counter;
  };

  using Hold = GenerationFollower::Hold;

  absl::StatusOr<absl::Duration> HoldWrites(const std::string& id, absl::Duration max_pause,
                                            const std::function<absl::Status(Hold&)>& inside);
  void Swap(const std::string& id);
  std::shared_ptr<GenerationFollower> NewFollower(const Ptr& generation);
  // Null where it is not loaded or active.
  std::shared_ptr<GenerationFollower> FollowerOf(const std::string& id) const;

  const catalog::Catalog* const catalog_;
  const Clock* const clock_;
  // Of all followers, and gone after them.
  ThreadPool follower_thread_;
  FailureCallback on_failure_;
  WriteGate gate_;
  // Of those who hold writes; taken before everything else.
  Mutex holders_;

  mutable Mutex mutex_;
  Ptr active_ SEMBLANCE_GUARDED_BY(mutex_);
  // Those that are not active, by id.
  std::map<std::string, Entry> others_ SEMBLANCE_GUARDED_BY(mutex_);
  // Whether any of them has traffic.
  bool has_traffic_ SEMBLANCE_GUARDED_BY(mutex_) = false;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_LIVE_LIVE_GENERATIONS_H_
