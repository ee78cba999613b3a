// Keeps a thread that does long work out of the way of the threads that serve.
//
// A low priority is not enough. When long work keeps every core busy, no core looks for threads that wait at another core. So a
// thread that serves may wait for the next tick of the scheduler, about 4 ms.
#ifndef SEMBLANCE_COMMON_THREADS_BACKGROUND_THREAD_H_
#define SEMBLANCE_COMMON_THREADS_BACKGROUND_THREAD_H_

#include <cstdint>

#include "absl/time/time.h"

namespace semblance {

// Sets the niceness, 0 to 19, of the calling thread and of threads that it starts later. A failure is ignored.
void LowerThreadPriority(int niceness);

// Rests between pieces of work, longer while other threads want the core. Not thread-safe: each thread needs its own.
class Rests {
 public:
  Rests();

  // A piece of work should take about this long, if the work can be cut.
  static constexpr absl::Duration kPiece = absl::Microseconds(500);

  // Sleeps if the thread has worked for kPiece or longer since its last rest. The rest takes 0.06 ms. If the thread lost its core
  // to another one meanwhile, the rest takes twice as long as the work, but at most 20 ms.
  void BetweenPieces();

 private:
  absl::Time rested_;
  // The number of times that the thread had lost its core by then.
  int64_t losses_;
};

}  // namespace semblance

#endif  // SEMBLANCE_COMMON_THREADS_BACKGROUND_THREAD_H_
