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
    // Show states and progress.
    kProgress,
    // Also print the lines of the trainer's log to standard error.
    kProgressAndLog,
    // Print only the lines of the log, to standard output.
    kLog,
  };

  std::string job;
  Show show = Show::kProgress;
  // True when the server has answered before. Its absence is then an outage, also in the first call.
  bool server_known = false;
};

// Prints a line for each change of state, and draws a bar on standard error while the job trains. With --json, every answer is a
// document on a line of its own, with the lines of the log, and there is no bar. The log begins with its last 20 lines, and no line
// is printed twice. A connection that breaks is made again (see FollowStream). SIGINT and SIGTERM end the watching, and the job
// continues.
//
// Returns kExitDone for SUCCEEDED, kExitFailed for FAILED, CANCELLED or a job that was deleted before it ended, and kExitTerminated
// after a signal. Any other error is printed, and its exit code is returned.
int WatchTrainingJob(Session& session, const WatchJobOptions& options);

}  // namespace semblance::cli

#endif  // SEMBLANCE_CLI_CLIENT_WATCH_JOB_H_
