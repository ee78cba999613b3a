// Turns signals such as SIGTERM into a stop request, for as long as it exists. Every program uses it for its orderly end.
//
// Thread-safe. At most one exists at a time in a process. It may be made when other threads run already. The signal mask stays as
// it is, so child processes need no care.
//
// A signal handler may do very little: it only wakes a thread, and that thread requests the stop. So callbacks of the token run on
// that thread, and may lock and wait.
#ifndef SEMBLANCE_COMMON_PROGRAM_STOP_SIGNALS_H_
#define SEMBLANCE_COMMON_PROGRAM_STOP_SIGNALS_H_

#include <signal.h>

#include <initializer_list>
#include <stop_token>
#include <utility>
#include <vector>

#include "common/threads/worker.h"

namespace semblance {

class StopSignals {
 public:
  // The effect of a repeated signal. Use kIgnored if a stop may be asked for several times, and kEndsProcess if a user at a
  // terminal may lose patience.
  enum class Repeated { kIgnored, kEndsProcess };

  StopSignals(std::initializer_list<int> signals, Repeated repeated);
  // The signals do what they did before.
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  std::stop_token token() const { return source_.get_token(); }

  // Has the effect of a signal, on the caller's thread.
  void RequestStop() { source_.request_stop(); }

 private:
  void AwaitSignal(const std::stop_token& end);

  std::stop_source source_;
  // The handler adds to it, and the thread waits until it is not zero.
  int event_ = -1;
  std::vector<std::pair<int, struct sigaction>> previous_;
  Worker thread_;
};

}  // namespace semblance

#endif  // SEMBLANCE_COMMON_PROGRAM_STOP_SIGNALS_H_
