// Lets commits of writes pass, or holds them back while no write may happen, such as when another generation becomes active.
//
// Thread-safe. A commit that is held back does not block a thread.
//
//   gate.Enter([=] { ...start the commit...; later, on any thread: gate.Leave(); });
//
//   if (gate.Close(absl::Milliseconds(50))) {  // No commit is inside now, and none comes in.
//     ...
//     gate.Open();
//   }
#ifndef SEMBLANCE_SERVICE_LIVE_WRITE_GATE_H_
#define SEMBLANCE_SERVICE_LIVE_WRITE_GATE_H_

#include <functional>
#include <vector>

#include "absl/time/time.h"
#include "common/threads/condition.h"
#include "common/threads/mutex.h"

namespace semblance::service {

class WriteGate {
 public:
  // Runs `commit`, at once on this thread, or, when the gate is closed, later on the thread that opens it. The commit must call
  // Leave once, on any thread.
  void Enter(std::function<void()> commit);
  void Leave();

  // Holds new commits back and waits until those inside have left. When that takes longer than `limit`, opens the gate again and
  // returns false. REQUIRES: the gate is open; one caller at a time.
  [[nodiscard]] bool Close(absl::Duration limit);
  // Lets the commits that were held back pass, in their order. REQUIRES: the gate is closed.
  void Open();

 private:
  Mutex mutex_;
  Condition changed_;
  int inside_ SEMBLANCE_GUARDED_BY(mutex_) = 0;
  bool closed_ SEMBLANCE_GUARDED_BY(mutex_) = false;
  std::vector<std::function<void()>> held_ SEMBLANCE_GUARDED_BY(mutex_);
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_LIVE_WRITE_GATE_H_
