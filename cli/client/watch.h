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
  // Go on after a state in which nothing happens by itself, until the generation is deleted.
  bool follow = false;
  // Whether the server has answered before, so that its absence is an outage from the first call on.
  bool server_known = false;
};

// Prints a line for each change of state, and draws a bar on standard error while a state makes progress; with --json, every answer
// is a document on a line of its own, and there is no bar. A connection that breaks is made again: what happened meanwhile shows as
// the state it led to. Gives up when the server was silent for --timeout_seconds.
//
// Returns the exit code: kExitDone for READY, ACTIVE or STANDBY, kExitBadInput for FAILED, kExitFailed for CANCELLED or a
// generation that was deleted before it was any of these; else that of the error, which it prints.
int WatchGeneration(Session& session, const WatchOptions& options);

}  // namespace semblance::cli

#endif  // SEMBLANCE_CLI_CLIENT_WATCH_H_
