// How a thread that does long work stays out of the way of those that serve.
//
// A low priority is not enough: where long work keeps every core busy, no core looks for a thread that waits at another one, and
// one that serves may wait for the next tick of the scheduler, some 4 ms.
#ifndef SEMBLANCE_COMMON_THREADS_BACKGROUND_THREAD_H_
#define SEMBLANCE_COMMON_THREADS_BACKGROUND_THREAD_H_

#include <cstdint>

#include "absl/time/time.h"

namespace semblance {

// The niceness, 0 to 19, of the calling thread and of those that it will start. Best effort.
void LowerThreadPriority(int niceness);

// Rests between pieces of work: short ones, and long ones while others want the core. Not thread-safe: each thread has its own.
class Rests {
 public:
  Rests();

  // A piece of work should take about so long, if it can be cut.
  static constexpr absl::Duration kPiece = absl::Microseconds(500);

  // Once the thread has worked for kPiece or longer: sleeps for 0.06 ms, or, where it lost its core to another thread meanwhile,
  // twice as long as it worked, up to 20 ms.
  void BetweenPieces();

 private:
  absl::Time rested_;
  // How often it had lost its core then.
  int64_t losses_;
};

}  // namespace semblance

#endif  // SEMBLANCE_COMMON_THREADS_BACKGROUND_THREAD_H_
