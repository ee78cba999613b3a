// Starts programs that do the heavy work, and knows how they end. (Where a program reports its progress is its own affair.)
//
// Thread-safe.
//
// A job is a process of its own, in its own process group, at the lowest priority; its arguments reach it as they are, without a
// shell. Its output goes to a log file. It outlives the launcher: the end of the server does not end it.
#ifndef SEMBLANCE_SERVICE_JOBS_JOB_LAUNCHER_H_
#define SEMBLANCE_SERVICE_JOBS_JOB_LAUNCHER_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace semblance {

struct JobSpec {
  // arguments[0] is the program's path.
  std::vector<std::string> arguments;
  // Standard output and error are appended here.
  std::string log_path;
};

// A started job. Destroying it neither ends the process nor waits for it.
class Job {
 public:
  virtual ~Job() = default;

  // Waits at most so long; the exit code, 128 + the signal that ended it, or nullopt while it runs.
  virtual std::optional<int> Wait(absl::Duration limit) = 0;

  // Asks it to stop (SIGTERM to its group), and ends it (SIGKILL) when it runs on after `grace`. Returns when it has ended.
  virtual void Stop(absl::Duration grace) = 0;
};

class JobLauncher {
 public:
  virtual ~JobLauncher() = default;

  // Errors: NotFound (no such program), PermissionDenied, ResourceExhausted.
  virtual absl::StatusOr<std::unique_ptr<Job>> Start(const JobSpec& spec) = 0;
};

// Processes of this machine.
std::unique_ptr<JobLauncher> NewLocalJobLauncher();

}  // namespace semblance

#endif  // SEMBLANCE_SERVICE_JOBS_JOB_LAUNCHER_H_
