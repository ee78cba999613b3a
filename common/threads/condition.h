// A condition variable for state that a Mutex guards. Every wait has a predicate, and a stop request ends every wait.
//
// Thread-safe. The condition must outlive its waits.
//
// You must change the state under the mutex, and then notify. You may rely on this: no notification and no stop request is lost,
// even when it comes just before the wait begins, and no wait polls.
#ifndef SEMBLANCE_COMMON_THREADS_CONDITION_H_
#define SEMBLANCE_COMMON_THREADS_CONDITION_H_

#include <condition_variable>
#include <stop_token>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "common/threads/mutex.h"

namespace semblance {

class Condition {
 public:
  // Wakes one wait, or all of them. The caller need not hold the mutex.
  void NotifyOne() { changed_.notify_one(); }
  void NotifyAll() { changed_.notify_all(); }

  // The three waits return the final value of `is_true`, which they call with `mutex` held. They return when it is true or a stop
  // is requested. An empty token (`{}`) never stops. The mutex is free while a wait sleeps.
  bool Wait(Mutex& mutex, const std::stop_token& stop, absl::FunctionRef<bool()> is_true) SEMBLANCE_REQUIRES(mutex);
  // Returns at `deadline` at the latest, by the system's clock.
  bool WaitUntil(Mutex& mutex, const std::stop_token& stop, absl::Time deadline, absl::FunctionRef<bool()> is_true)
      SEMBLANCE_REQUIRES(mutex);
  // Returns after `limit` at the latest, by a clock that nobody sets. A limit above a year counts as none.
  bool WaitFor(Mutex& mutex, const std::stop_token& stop, absl::Duration limit, absl::FunctionRef<bool()> is_true)
      SEMBLANCE_REQUIRES(mutex);

 private:
  std::condition_variable_any changed_;
};

}  // namespace semblance

#endif  // SEMBLANCE_COMMON_THREADS_CONDITION_H_
