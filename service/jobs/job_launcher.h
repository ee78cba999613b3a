// Starts programs that do the heavy work, and knows how they end. (Where a program reports its progress is its own affair.)
//
// Thread-safe.
//
// A job is a process of its own (or several that work together), its arguments reach it as they are, without a shell, and its
// output goes to a log file. It outlives the launcher: the end of the server does not end it, and the next server finds it again by
// its name.
#ifndef SEMBLANCE_SERVICE_JOBS_JOB_LAUNCHER_H_
#define SEMBLANCE_SERVICE_JOBS_JOB_LAUNCHER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace semblance::service {

// What Job::Wait returns of a job whose end was seen and whose exit code was not: it was attached to.
inline constexpr int kExitUnknown = -1;

enum class JobPriority {
  // Runs when nothing else wants the processor.
  kIdle,
  // Below those who serve.
  kLow,
};

struct JobSpec {
  // Unique for all time among those of this server, [a-z0-9-]{1,52}. Empty: no Attach.
  std::string name;
  // arguments[0] is the program's path.
  std::vector<std::string> arguments;
  // Standard output and error are appended here.
  std::string log_path;
  JobPriority priority = JobPriority::kIdle;
  // What it may use; 0: no limit, and no GPU. A launcher on this machine heeds the memory alone.
  int64_t max_memory_bytes = 0;
  double cpus = 0;
  int gpus = 0;
  // Processes that train together, each with the environment that torchrun sets. Above 1 only where the launcher
  // LaunchesReplicas.
  int replicas = 1;
};

// A started job. Destroying it neither ends the process nor waits for it.
class Job {
 public:
  virtual ~Job() = default;

  // Waits at most so long; the exit code, 128 + the signal that ended it, kExitUnknown, or nullopt while it runs.
  virtual std::optional<int> Wait(absl::Duration limit) = 0;

  // Asks it to stop (SIGTERM to its group), and ends it (SIGKILL) when it runs on after `grace`. Returns when it has ended. (In a
  // cluster also when that cannot be brought about: kubernetes_job_launcher.h.)
  virtual void Stop(absl::Duration grace) = 0;
};

class JobLauncher {
 public:
  virtual ~JobLauncher() = default;

  // Errors: NotFound (no such program), InvalidArgument (what this launcher cannot do), PermissionDenied, ResourceExhausted,
  // Unavailable (the next try under the same name may do, and starts no second job).
  virtual absl::StatusOr<std::unique_ptr<Job>> Start(const JobSpec& spec) = 0;

  // A job that was started under this name, by this process or an earlier one, and may still run. Errors: NotFound where there is
  // none (any more); Unavailable where that cannot be known now.
  virtual absl::StatusOr<std::unique_ptr<Job>> Attach(const std::string& name) = 0;

  // Whether JobSpec::replicas may be above 1.
  virtual bool LaunchesReplicas() const = 0;
};

// Processes of this machine, each in its own process group. A job is found again by SEMBLANCE_JOB=<name> in its environment.
std::unique_ptr<JobLauncher> NewLocalJobLauncher();

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_JOBS_JOB_LAUNCHER_H_
