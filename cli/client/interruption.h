// Notes SIGINT and SIGTERM in place of ending the program, for as long as it exists; a second one ends it.
//
// Thread-safe. At most one at a time in a process.
#ifndef SEMBLANCE_CLI_CLIENT_INTERRUPTION_H_
#define SEMBLANCE_CLI_CLIENT_INTERRUPTION_H_

#include <signal.h>

#include <array>
#include <condition_variable>
#include <functional>
#include <thread>

#include "absl/time/time.h"
#include "common/threads/mutex.h"

namespace semblance::cli {

class Interruption {
 public:
  Interruption();
  ~Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

  bool happened() const;

  // Waits at most so long for it; whether it has happened.
  bool WaitFor(absl::Duration limit);

  // What to do when it happens, on another thread; at once where it has happened. In place of the action before, which does not run
  // any more when this returns. It must not call the Interruption. Null: nothing.
  void SetAction(std::function<void()> action);

 private:
  void AwaitSignal();

  // Signal handlers may do little more than write to a pipe.
  std::array<int, 2> pipe_ = {-1, -1};
  struct sigaction previous_int_ = {};
  struct sigaction previous_term_ = {};

  mutable Mutex mutex_;
  std::condition_variable_any changed_;
  bool happened_ SEMBLANCE_GUARDED_BY(mutex_) = false;
  std::function<void()> action_ SEMBLANCE_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace semblance::cli

#endif  // SEMBLANCE_CLI_CLIENT_INTERRUPTION_H_
