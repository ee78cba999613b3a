// Reports the state of the process to the service manager, as systemd expects it of Type=notify (sd_notify(3)).
//
// Thread-safe, as long as nobody changes the environment.
#ifndef SEMBLANCE_COMMON_PROGRAM_SD_NOTIFY_H_
#define SEMBLANCE_COMMON_PROGRAM_SD_NOTIFY_H_

#include "absl/strings/string_view.h"

namespace semblance {

// Sends `state`, such as "READY=1", to the socket that NOTIFY_SOCKET names. Does nothing when the variable is not set. A failure is
// ignored, because the manager then times out and reports that.
void NotifyServiceManager(absl::string_view state);

}  // namespace semblance

#endif  // SEMBLANCE_COMMON_PROGRAM_SD_NOTIFY_H_
