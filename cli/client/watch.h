// Follows a generation through its states.
//
// Not thread-safe.
#ifndef SEMBLANCE_CLI_CLIENT_WATCH_H_
#define SEMBLANCE_CLI_CLIENT_WATCH_H_

#include <string>

#include "cli/client/session.h"

namespace semblance::cli {

struct WatchOptions {
  std::string generation;
  // Watch until the generation is deleted, also through states in which it waits for an operator.
  bool follow = false;
  // True when the server has answered before. Its absence is then an outage, also in the first call.
  bool server_known = false;
};

// Prints a line for each change of state, and draws a bar on standard error while a state makes progress. With --json, every answer
// is a document on a line of its own, and there is no bar. A connection that breaks is made again, and the first state after it is
// printed if it is a new one. It gives up when the server was silent for --timeout_seconds.
//
// Returns kExitDone for READY, ACTIVE or STANDBY, kExitBadInput for FAILED, and kExitFailed for CANCELLED or a generation that was
// deleted before it reached any of these. Any other error is printed, and its exit code is returned.
int WatchGeneration(Session& session, const WatchOptions& options);

}  // namespace semblance::cli

#endif  // SEMBLANCE_CLI_CLIENT_WATCH_H_
