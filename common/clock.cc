#include "common/clock.h"

#include "absl/time/clock.h"
#include "common/threads/stop.h"

namespace semblance {

absl::Time SystemClock::Now() const {
  return absl::Now();
}

bool SystemClock::WaitUntil(absl::Time time, const std::stop_token& stop) {
  // The time is read again after each wait, because somebody may have set the clock meanwhile.
  for (absl::Duration left = time - Now(); left > absl::ZeroDuration(); left = time - Now()) {
    if (WaitForStop(stop, left)) {
      return false;
    }
  }
  return !stop.stop_requested();
}

}  // namespace semblance
