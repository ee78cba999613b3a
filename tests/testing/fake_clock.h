// A clock that stands still until a test advances it.
//
// Thread-safe.
#ifndef SEMBLANCE_TESTS_TESTING_FAKE_CLOCK_H_
#define SEMBLANCE_TESTS_TESTING_FAKE_CLOCK_H_

#include <algorithm>
#include <set>
#include <stop_token>

#include "absl/time/time.h"
#include "common/clock.h"
#include "common/threads/condition.h"
#include "common/threads/mutex.h"

namespace semblance::testing {

class FakeClock final : public Clock {
 public:
  absl::Time Now() const override {
    MutexLock lock(&mutex_);
    return now_;
  }

  bool WaitUntil(absl::Time time, const std::stop_token& stop) override {
    MutexLock lock(&mutex_);
    const auto waiting = waiting_.insert(time);
    changed_.NotifyAll();
    const bool reached = changed_.Wait(mutex_, stop, [&] { return now_ >= time; });
    waiting_.erase(waiting);
    changed_.NotifyAll();
    return reached && !stop.stop_requested();
  }

  void Advance(absl::Duration duration) {
    MutexLock lock(&mutex_);
    now_ += duration;
    changed_.NotifyAll();
  }

  // Blocks until `count` calls wait for a time that has not come. Returns the distance to the nearest of these times. Waits without
  // an end do not count.
  absl::Duration AwaitWaiting(size_t count) {
    MutexLock lock(&mutex_);
    const auto first = [this] { return waiting_.upper_bound(now_); };
    changed_.Wait(mutex_, {}, [&] {
      return static_cast<size_t>(std::distance(first(), waiting_.lower_bound(absl::InfiniteFuture()))) == count;
    });
    return count == 0 ? absl::InfiniteDuration() : *first() - now_;
  }

  // Advances to the nearest time that a call waits for, as soon as there is one.
  void AdvanceToNext() {
    const absl::Duration step = AwaitWaiting(1);
    Advance(step);
  }

 private:
  mutable Mutex mutex_;
  Condition changed_;
  absl::Time now_ SEMBLANCE_GUARDED_BY(mutex_) = absl::UnixEpoch() + absl::Hours(24 * 365 * 50);
  // The times that calls of WaitUntil wait for.
  std::multiset<absl::Time> waiting_ SEMBLANCE_GUARDED_BY(mutex_);
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_TESTING_FAKE_CLOCK_H_
