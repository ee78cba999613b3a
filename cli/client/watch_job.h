// Follows a training job through its states.
//
// Not thread-safe.
#ifndef SEMBLANCE_CLI_CLIENT_WATCH_JOB_H_
#define SEMBLANCE_CLI_CLIENT_WATCH_JOB_H_

#include <string>

#include "cli/client/session.h"

namespace semblance::cli {

struct WatchJobOptions {
  enum class Show {
    // States and progress.
    kProgress,
    // The lines of the trainer's log on standard error, too.
    kProgressAndLog,
    // Only those, on standard output.
    kLog,
  };

  std::string job;
  Show show = Show::kProgress;
  // Whether the server has answered before, so that its absence is an outage from the first call on.
  bool server_known = false;
};

// Prints a line for each change of state, and draws a bar on standard error while the job trains; with --json, every answer is a
// document on a line of its own, with the lines of the log, and there is no bar. Of the log, the last 20 lines come first, and no
// line twice. A connection that breaks is made again; see FollowStream. SIGINT and SIGTERM end the watching and leave the job to
// itself.
//
// Returns the exit code: kExitDone for SUCCEEDED, kExitFailed for FAILED, CANCELLED or a job that was deleted before it ended,
// kExitTerminated after a signal; else that of the error, which it prints.
int WatchTrainingJob(Session& session, const WatchJobOptions& options);

}  // namespace semblance::cli

#endif  // SEMBLANCE_CLI_CLIENT_WATCH_JOB_H_
