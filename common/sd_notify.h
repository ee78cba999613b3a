// Tells the service manager how the process is, as systemd's Type=notify expects it (sd_notify(3)).
//
// Thread-safe: a function of the environment.
#ifndef SEMBLANCE_COMMON_SD_NOTIFY_H_
#define SEMBLANCE_COMMON_SD_NOTIFY_H_

#include "absl/strings/string_view.h"

namespace semblance {

// Sends `state`, such as "READY=1", to the socket that NOTIFY_SOCKET names; nothing where it is not set. Nobody is told of a
// failure: the manager then waits, and says so.
void NotifyServiceManager(absl::string_view state);

}  // namespace semblance

#endif  // SEMBLANCE_COMMON_SD_NOTIFY_H_
