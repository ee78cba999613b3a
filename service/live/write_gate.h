// Lets commits of writes pass, or holds them while something must not change, such as which generation is active.
//
// Thread-safe. A commit that is held does not hold a thread.
//
//   gate.Enter([=] { ...start the commit...; later, on any thread: gate.Leave(); });
//
//   if (gate.Close(absl::Milliseconds(50))) {  // Nobody is inside now, and nobody comes in.
//     ...
//     gate.Open();
//   }
#ifndef SEMBLANCE_SERVICE_LIVE_WRITE_GATE_H_
#define SEMBLANCE_SERVICE_LIVE_WRITE_GATE_H_

#include <condition_variable>
#include <functional>
#include <vector>

#include "absl/time/time.h"
#include "common/threads/mutex.h"

namespace semblance::service {

class WriteGate {
 public:
  // Runs `commit` now, on this thread, or, while the gate is closed, when it opens, on the thread that opens it. Whoever got in
  // calls Leave once.
  void Enter(std::function<void()> commit);
  void Leave();

  // Holds newcomers and waits for those inside. False, and open again, when they have not left within `limit`.
  // REQUIRES: open; one caller at a time.
  [[nodiscard]] bool Close(absl::Duration limit);
  // REQUIRES: closed.
  void Open();

 private:
  Mutex mutex_;
  std::condition_variable_any changed_;
  int inside_ SEMBLANCE_GUARDED_BY(mutex_) = 0;
  bool closed_ SEMBLANCE_GUARDED_BY(mutex_) = false;
  std::vector<std::function<void()>> held_ SEMBLANCE_GUARDED_BY(mutex_);
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_LIVE_WRITE_GATE_H_
