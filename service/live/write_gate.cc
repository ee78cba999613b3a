#include "service/live/write_gate.h"

#include <utility>

#include "absl/time/clock.h"

namespace semblance::service {

void WriteGate::Enter(std::function<void()> commit) {
  {
    MutexLock lock(&mutex_);
    if (closed_) {
      held_.push_back(std::move(commit));
      return;
    }
    ++inside_;
  }
  commit();
}

void WriteGate::Leave() {
  {
    MutexLock lock(&mutex_);
    --inside_;
  }
  changed_.notify_all();
}

bool WriteGate::Close(absl::Duration limit) {
  const auto deadline = absl::ToChronoTime(absl::Now() + limit);
  {
    MutexLock lock(&mutex_);
    closed_ = true;
    while (inside_ > 0) {
      if (changed_.wait_until(mutex_, deadline) == std::cv_status::timeout && inside_ > 0) {
        break;
      }
    }
    if (inside_ == 0) {
      return true;
    }
  }
  Open();
  return false;
}

void WriteGate::Open() {
  std::vector<std::function<void()>> held;
  {
    MutexLock lock(&mutex_);
    closed_ = false;
    held.swap(held_);
    inside_ += static_cast<int>(held.size());
  }
  for (const std::function<void()>& commit : held) {
    commit();
  }
}

}  // namespace semblance::service
