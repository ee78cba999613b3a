#include "service/generations/generation_reaper.h"

#include <malloc.h>

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "common/logging.h"

namespace semblance::service {
namespace {

// How often it looks whether the last request has ended.
constexpr absl::Duration kPoll = absl::Milliseconds(10);

}  // namespace

GenerationReaper::GenerationReaper() : thread_([this] { Run(); }) {}

GenerationReaper::~GenerationReaper() {
  {
    MutexLock lock(&mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void GenerationReaper::Retire(std::shared_ptr<Generation> generation, absl::Duration grace, std::function<void()> then) {
  {
    MutexLock lock(&mutex_);
    arriving_.push_back({.generation = std::move(generation), .grace = grace, .then = std::move(then)});
  }
  changed_.notify_all();
}

void GenerationReaper::Run() {
  std::list<Retired> retired;
  while (true) {
    const bool waits_for_request = Reap(retired);
    absl::Time wake = waits_for_request ? absl::Now() + kPoll : absl::InfiniteFuture();
    for (const Retired& each : retired) {
      wake = std::min(wake, each.due);
    }
    MutexLock lock(&mutex_);
    if (stop_ && !waits_for_request && arriving_.empty()) {
      return;
    }
    const auto woken = [this]() SEMBLANCE_REQUIRES(mutex_) { return stop_ || !arriving_.empty(); };
    if (wake == absl::InfiniteFuture()) {
      changed_.wait(mutex_, woken);
    } else if (!stop_) {
      changed_.wait_until(mutex_, absl::ToChronoTime(wake), woken);
    }
    retired.splice(retired.end(), arriving_);
  }
}

bool GenerationReaper::Reap(std::list<Retired>& retired) {
  bool waits_for_request = false;
  for (auto each = retired.begin(); each != retired.end();) {
    if (each->generation != nullptr && each->generation.use_count() > 1) {
      waits_for_request = true;
      ++each;
      continue;
    }
    if (each->due == absl::InfiniteFuture()) {
      if (each->generation != nullptr) {
        LOG(INFO) << "unloading generation " << each->generation->manifest().id();
        each->generation.reset();
        malloc_trim(0);
      }
      each->due = absl::Now() + each->grace;
    }
    if (absl::Now() < each->due) {
      ++each;
      continue;
    }
    each->then();
    each = retired.erase(each);
  }
  return waits_for_request;
}

}  // namespace semblance::service
