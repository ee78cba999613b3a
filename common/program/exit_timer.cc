#include "common/program/exit_timer.h"

#include <unistd.h>

#include <stop_token>

#include "common/logging.h"
#include "common/threads/stop.h"

namespace semblance {

void ExitTimer::Start(absl::Duration limit, int exit_code) {
  thread_ = Worker("exit timer", [limit, exit_code](const std::stop_token& stop) {
    if (!WaitForStop(stop, limit)) {
      LOG(ERROR) << "the program could not end by itself within " << limit << "; it ends now, with exit code " << exit_code;
      ::_exit(exit_code);
    }
  });
}

}  // namespace semblance
