#include "service/generations/generation_reaper.h"

#include <malloc.h>

#include <algorithm>
#include <utility>

#include "common/logging.h"
#include "common/threads/stop.h"

namespace semblance::service {

GenerationReaper::GenerationReaper(Clock* clock)
    : clock_(clock), worker_("reaper", [this](const std::stop_token& stop) { Run(stop); }) {}

GenerationReaper::~GenerationReaper() {
  worker_.Stop();
  MutexLock lock(&mutex_);
  changed_.Wait(mutex_, {}, [this]() SEMBLANCE_REQUIRES(mutex_) { return held_ == 0; });
}

void GenerationReaper::Retire(std::shared_ptr<Generation> generation, absl::Duration grace, std::function<void()> then) {
  if (generation == nullptr) {
    return Release({.generation = nullptr, .grace = grace, .then = std::move(then)});
  }
  {
    MutexLock lock(&mutex_);
    ++held_;
  }
  generation->SetDisposal([this, grace, then = std::move(then)](std::unique_ptr<Generation> last) {
    Release({.generation = std::move(last), .grace = grace, .then = then});
    MutexLock lock(&mutex_);
    --held_;
    changed_.NotifyAll();
  });
  // If this is the last owner, the generation is released here.
  generation.reset();
}

void GenerationReaper::Release(Released released) {
  MutexLock lock(&mutex_);
  released_.push_back(std::move(released));
  wake_.request_stop();
}

void GenerationReaper::Run(const std::stop_token& stop) {
  std::list<Released> waiting;
  absl::Time next_due = absl::InfiniteFuture();
  while (!stop.stop_requested()) {
    for (std::list<Released> arrived = AwaitReleased(next_due, stop); Released & each : arrived) {
      if (each.generation != nullptr) {
        LOG(INFO) << "unloading generation " << each.generation->manifest().id();
        each.generation.reset();
        malloc_trim(0);
      }
      each.due = clock_->Now() + each.grace;
      waiting.push_back(std::move(each));
    }
    next_due = RunDue(waiting);
  }
}

std::list<GenerationReaper::Released> GenerationReaper::AwaitReleased(absl::Time deadline, const std::stop_token& stop) {
  std::stop_token woken;
  {
    MutexLock lock(&mutex_);
    woken = wake_.get_token();
  }
  const LinkedStop either(stop, woken);
  clock_->WaitUntil(deadline, either.token());
  MutexLock lock(&mutex_);
  wake_ = std::stop_source();
  return std::exchange(released_, {});
}

absl::Time GenerationReaper::RunDue(std::list<Released>& waiting) const {
  absl::Time next_due = absl::InfiniteFuture();
  for (auto each = waiting.begin(); each != waiting.end();) {
    if (each->due > clock_->Now()) {
      next_due = std::min(next_due, each->due);
      ++each;
    } else {
      each->then();
      each = waiting.erase(each);
    }
  }
  return next_due;
}

}  // namespace semblance::service
