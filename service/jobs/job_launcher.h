// Starts programs that do the heavy work, and tells how they end. Each program reports its progress in its own way.
//
// Thread-safe.
//
// A job is one process, or several that work together. Its arguments reach it unchanged, without a shell, and its output goes
// to a log file. A job outlives the launcher: it continues after the server has ended, and the next server finds it again by
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

// Job::Wait returns this for an attached job: its end is seen, but its exit code is not.
inline constexpr int kExitUnknown = -1;

enum class JobPriority {
  // The job runs only when nothing else needs the processor.
  kIdle,
  // The priority is lower than that of the server.
  kLow,
};

struct JobSpec {
  // The name matches [a-z0-9-]{1,52}, and the server never uses it twice. A job without a name cannot be found by Attach.
  std::string name;
  // arguments[0] is the path of the program.
  std::vector<std::string> arguments;
  // Standard output and error are appended here.
  std::string log_path;
  JobPriority priority = JobPriority::kIdle;
  // The resources that the job may use. 0 means no limit, and no GPU. The launcher for this machine limits only the memory.
  int64_t max_memory_bytes = 0;
  double cpus = 0;
  int gpus = 0;
  // The number of processes that train together, each with the environment that torchrun sets. It may exceed 1 only if the
  // launcher LaunchesReplicas.
  int replicas = 1;
};

// A started job. Destroying it neither ends the process nor waits for it.
class Job {
 public:
  virtual ~Job() = default;

  // Waits at most this long. Returns the exit code, 128 + the signal that ended the job, or kExitUnknown. Returns nullopt while
  // the job runs.
  virtual std::optional<int> Wait(absl::Duration limit) = 0;

  // Sends SIGTERM to the group of the job, and SIGKILL if it still runs after `grace`. Returns when the job has ended. In a
  // cluster it also returns when the job cannot be ended; see kubernetes_job_launcher.h.
  virtual void Stop(absl::Duration grace) = 0;
};

class JobLauncher {
 public:
  virtual ~JobLauncher() = default;

  // Errors: NotFound (no such program); InvalidArgument (the launcher cannot do this); PermissionDenied; ResourceExhausted;
  // Unavailable (another try under the same name may succeed, and never starts a second job).
  virtual absl::StatusOr<std::unique_ptr<Job>> Start(const JobSpec& spec) = 0;

  // Finds a job that this process or an earlier one started under this name and that may still run. Errors: NotFound if there
  // is none, or none any more; Unavailable if this cannot be known now.
  virtual absl::StatusOr<std::unique_ptr<Job>> Attach(const std::string& name) = 0;

  // Returns true if JobSpec::replicas may exceed 1.
  virtual bool LaunchesReplicas() const = 0;
};

// Launches processes of this machine, each in its own process group. A job is found again by SEMBLANCE_JOB=<name> in its
// environment.
std::unique_ptr<JobLauncher> NewLocalJobLauncher();

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_JOBS_JOB_LAUNCHER_H_
