#include "service/live/live_generations.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "common/threads/background_thread.h"

namespace semblance::service {
namespace {

// The time for which an activation tries to find a moment at which the generation has caught up.
constexpr absl::Duration kHoldPatience = absl::Seconds(10);
// Lower than the priority of threads that serve: a generation that nobody searches may lag a little.
constexpr int kFollowerNiceness = 10;

absl::Status Lagging(absl::Duration max_pause) {
  return WithRetryDelay(
      Error(absl::StatusCode::kUnavailable, v1::ERROR_REASON_GENERATION_LAGGING,
            absl::StrCat(
                "writes arrive faster than the generation takes them: it had not caught up with the catalog within a pause of ",
                absl::FormatDuration(max_pause), ", tried for ", absl::FormatDuration(kHoldPatience))),
      absl::Seconds(1));
}

}  // namespace

LiveGenerations::LiveGenerations(const catalog::Catalog* catalog, const Clock* clock)
    : catalog_(catalog), clock_(clock), follower_thread_("follower", 1, /*max_queued=*/1) {
  follower_thread_.Schedule([] { LowerThreadPriority(kFollowerNiceness); });
}

LiveGenerations::Ptr LiveGenerations::active() const {
  MutexLock lock(&mutex_);
  return active_;
}

LiveGenerations::Ptr LiveGenerations::Find(const std::string& id) const {
  MutexLock lock(&mutex_);
  if (active_ != nullptr && active_->manifest().id() == id) {
    return active_;
  }
  const auto found = others_.find(id);
  return found == others_.end() ? nullptr : found->second.generation;
}

LiveGenerations::Route LiveGenerations::RouteOf(absl::string_view routing_key) const {
  Route route;
  MutexLock lock(&mutex_);
  route.answers.generation = active_;
  if (!has_traffic_ || active_ == nullptr) {
    return route;
  }
  const double point = RoutingPoint(routing_key);
  double begin = 0;
  for (const auto& [id, entry] : others_) {
    if (entry.counter == nullptr) {
      continue;
    }
    const TrafficShares& shares = entry.counter->shares();
    if (begin <= point && point < begin + shares.canary) {
      route.answers = {.generation = entry.generation, .counter = entry.counter};
    } else if (RoutingPoint("") < shares.shadow) {
      route.shadows.push_back({.generation = entry.generation, .counter = entry.counter});
    }
    begin += shares.canary;
  }
  if (route.answers.counter != nullptr) {
    route.shadows.clear();  // Shadows are compared with answers of the active generation only.
  }
  return route;
}

void LiveGenerations::NotifyWrite() {
  MutexLock lock(&mutex_);
  for (auto& [id, entry] : others_) {
    entry.follower->Notify();
  }
}

void LiveGenerations::SetActive(Ptr generation) {
  MutexLock lock(&mutex_);
  active_ = std::move(generation);
}

std::shared_ptr<GenerationFollower> LiveGenerations::NewFollower(const Ptr& generation) {
  return std::make_shared<GenerationFollower>(
      generation, catalog_, &follower_thread_,
      [this, id = generation->manifest().id()](const absl::Status& status) {
        if (on_failure_) {
          on_failure_(id, status);
        }
      },
      clock_);
}

absl::Status LiveGenerations::Add(Ptr generation, const std::function<void(uint64_t)>& on_progress) {
  std::shared_ptr<GenerationFollower> follower = NewFollower(generation);
  SEMBLANCE_RETURN_IF_ERROR(follower->CatchUp(absl::InfiniteFuture(), on_progress));
  {
    MutexLock lock(&mutex_);
    const std::string id = generation->manifest().id();
    others_[id] = {.generation = std::move(generation), .follower = follower, .counter = nullptr};
  }
  follower->Start();
  return absl::OkStatus();
}

std::shared_ptr<GenerationFollower> LiveGenerations::FollowerOf(const std::string& id) const {
  MutexLock lock(&mutex_);
  const auto found = others_.find(id);
  return found == others_.end() ? nullptr : found->second.follower;
}

absl::StatusOr<absl::Duration> LiveGenerations::HoldWrites(const std::string& id, absl::Duration max_pause,
                                                           const std::function<absl::Status(Hold&)>& inside) {
  MutexLock holders(&holders_);
  // Must outlive the holds below. When `inside` takes the generation out, this is the last owner of its follower.
  const std::shared_ptr<GenerationFollower> follower = FollowerOf(id);
  if (follower == nullptr) {
    return Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_GENERATION_NOT_FOUND,
                 absl::StrCat("generation ", id, " is not loaded beside the active one"));
  }
  const absl::Time deadline = clock_->Now() + kHoldPatience;
  while (clock_->Now() < deadline) {
    Hold hold(follower.get());
    // Most of the work is done before any write has to wait.
    absl::Status status = hold.CatchUp(deadline);
    const absl::Time start = clock_->Now();
    if (status.ok() && gate_.Close(max_pause)) {
      status = hold.CatchUp(start + max_pause);
      if (status.ok()) {
        status = inside(hold);
      }
      gate_.Open();
      if (status.ok()) {
        return clock_->Now() - start;
      }
    }
    if (!status.ok() && !absl::IsDeadlineExceeded(status)) {
      return status;
    }
  }
  return Lagging(max_pause);
}

absl::StatusOr<absl::Duration> LiveGenerations::WithWritesHeld(const std::string& id, absl::Duration max_pause,
                                                               const std::function<absl::Status()>& inside) {
  return HoldWrites(id, max_pause, [&inside](Hold&) { return inside(); });
}

absl::StatusOr<absl::Duration> LiveGenerations::Activate(const std::string& id, absl::Duration max_pause,
                                                         const std::function<absl::Status()>& make_durable,
                                                         const std::function<void()>& undo) {
  SEMBLANCE_RETURN_IF_ERROR(make_durable());
  absl::StatusOr<absl::Duration> pause = HoldWrites(id, max_pause, [this, &id](Hold& hold) {
    hold.End();
    Swap(id);
    return absl::OkStatus();
  });
  if (!pause.ok()) {
    undo();
  }
  return pause;
}

void LiveGenerations::Swap(const std::string& id) {
  std::shared_ptr<GenerationFollower> follower;
  {
    MutexLock lock(&mutex_);
    Ptr previous = std::move(active_);
    active_ = others_.at(id).generation;
    others_.erase(id);
    if (previous != nullptr) {
      follower = NewFollower(previous);
      const std::string previous_id = previous->manifest().id();
      others_[previous_id] = {.generation = std::move(previous), .follower = follower, .counter = nullptr};
    }
    for (auto& [other, entry] : others_) {
      entry.counter = nullptr;
    }
    has_traffic_ = false;
  }
  if (follower != nullptr) {
    follower->Start();
  }
}

LiveGenerations::Ptr LiveGenerations::Remove(const std::string& id) {
  Entry removed;
  {
    MutexLock lock(&mutex_);
    const auto found = others_.find(id);
    if (found == others_.end()) {
      return nullptr;
    }
    removed = std::move(found->second);
    others_.erase(found);
  }
  removed.follower.reset();
  return std::move(removed.generation);
}

absl::Status LiveGenerations::SetTraffic(const std::string& id, const TrafficShares& shares) {
  MutexLock lock(&mutex_);
  double canaries = shares.canary;
  for (const auto& [other, entry] : others_) {
    canaries += other != id && entry.counter != nullptr ? entry.counter->shares().canary : 0;
  }
  if (canaries > 1) {
    return InvalidField("traffic.canary_share", v1::ERROR_REASON_CONFIG_INVALID,
                        absl::StrCat("the canaries sum to ", canaries, "; at most 1"));
  }
  others_.at(id).counter = shares.canary + shares.shadow > 0 ? std::make_shared<TrafficCounter>(shares) : nullptr;
  has_traffic_ = false;
  for (const auto& [other, entry] : others_) {
    has_traffic_ = has_traffic_ || entry.counter != nullptr;
  }
  return absl::OkStatus();
}

std::optional<GenerationTraffic> LiveGenerations::TrafficOf(const std::string& id) const {
  MutexLock lock(&mutex_);
  const auto found = others_.find(id);
  return found == others_.end() || found->second.counter == nullptr ? std::nullopt : std::optional(found->second.counter->Read());
}

std::vector<LiveGenerations::Ptr> LiveGenerations::Clear() {
  std::map<std::string, Entry> others;
  std::vector<Ptr> generations;
  {
    MutexLock lock(&mutex_);
    others.swap(others_);
    if (active_ != nullptr) {
      generations.push_back(std::move(active_));
    }
  }
  for (auto& [id, entry] : others) {
    entry.follower.reset();
    generations.push_back(std::move(entry.generation));
  }
  return generations;
}

}  // namespace semblance::service
