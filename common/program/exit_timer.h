// Ends the process when it has not ended by itself in time, such as when a thread is in an endless loop and cannot be joined.
//
// Not thread-safe. Destroying the timer stops it, so it must be made before the objects whose destructors it watches.
#ifndef SEMBLANCE_COMMON_PROGRAM_EXIT_TIMER_H_
#define SEMBLANCE_COMMON_PROGRAM_EXIT_TIMER_H_

#include "absl/time/time.h"
#include "common/threads/worker.h"

namespace semblance {

class ExitTimer {
 public:
  // A timer that does not run.
  ExitTimer() = default;

  // From now on the process has this much time. After it, the timer logs an error and ends the process with `exit_code`. No
  // destructor and no exit handler runs then.
  void Start(absl::Duration limit, int exit_code);

 private:
  Worker thread_;
};

}  // namespace semblance

#endif  // SEMBLANCE_COMMON_PROGRAM_EXIT_TIMER_H_
