#include "service/live/write_gate.h"

#include <utility>

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
  changed_.NotifyAll();
}

bool WriteGate::Close(absl::Duration limit) {
  {
    MutexLock lock(&mutex_);
    closed_ = true;
    if (changed_.WaitFor(mutex_, /*stop=*/{}, limit, [this]() SEMBLANCE_REQUIRES(mutex_) { return inside_ == 0; })) {
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
