// Runs a program until its work on one task is complete.
//
// Not thread-safe: one thread calls RunUntilComplete or StopLeftover.
//
// A process may outlive the server. So the supervisor first looks for a process that already works on the task, and watches it like
// one that it has started. When a process ends and the work is not complete, its exit code decides. kExitBadInput and kExitUsage
// are final; all other codes are transient. The program is then started again, after a delay that grows with the number of starts.
// Starts that made progress do not count. After `max_attempts` starts in a row without progress the supervisor gives up.
//
// A cancellation stops the process. At a shutdown it is left running, or stopped (`stop_at_shutdown`). Every wait ends soon after
// either: the wait for a retry at once, the watch of a process within `report_interval`.
#ifndef SEMBLANCE_SERVICE_TASKS_SUPERVISED_PROCESS_H_
#define SEMBLANCE_SERVICE_TASKS_SUPERVISED_PROCESS_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "service/jobs/job_launcher.h"
#include "service/tasks/task_stop.h"

namespace semblance::service {

// How far the work has come, as the process reports it.
struct WorkProgress {
  // Work has steps, which count up. `done` counts within a step.
  int step = 0;
  int64_t done = 0;
  // The message of a process that failed; empty otherwise.
  std::string error;
};

// The work of a task, as its supervisor sees it. All methods are called on the supervisor's thread.
class SupervisedWork {
 public:
  virtual ~SupervisedWork() = default;

  // Errors: errors that another start cannot avoid.
  virtual absl::StatusOr<bool> IsComplete() = 0;

  // Returns the process that already works on the task, or null when there is none.
  virtual absl::StatusOr<std::unique_ptr<Job>> FindProcess() = 0;
  // Called when a process was found. The supervisor watches it from now on.
  virtual absl::Status OnFound() = 0;

  // Records that start number `attempt` without progress comes now. Returns the job to start.
  virtual absl::StatusOr<JobSpec> PrepareStart(int attempt) = 0;
  virtual absl::Status OnStarted() = 0;

  // Reads the reported progress. Called about every `report_interval`, and once after the process has ended.
  virtual WorkProgress ReadProgress() = 0;

  // Called when the program will be started again after a delay, for the given reason. `attempt` starts made no progress.
  virtual absl::Status OnRetry(int attempt, const std::string& reason) = 0;
};

struct SupervisionOptions {
  // The name of the program in messages: "semblance-builder", "the trainer".
  std::string program;
  // The end of error messages, which says where to look: "its log is /data/builder.log".
  std::string hint;
  // After this many starts in a row without progress, the supervisor gives up.
  int max_attempts = 4;
  // The number of such starts that earlier servers have made.
  int attempt = 0;
  // The delay before the next start is this time, multiplied by one more than the number of starts so far.
  absl::Duration retry_delay = absl::Seconds(1);
  // A process that has not stopped after this time is killed.
  absl::Duration stop_grace = absl::Seconds(5);
  absl::Duration report_interval = absl::Milliseconds(100);
  // If true, a process that this supervisor has started is stopped when the server ends. A process that it has found keeps running.
  bool stop_at_shutdown = false;
};

class SupervisedProcess {
 public:
  // Everything that is passed by pointer must outlive the supervisor.
  SupervisedProcess(SupervisionOptions options, SupervisedWork* work, JobLauncher* launcher, Clock* clock);

  // Errors: Cancelled when `stop` was requested; FailedPrecondition with the program's message for a final exit code; Unavailable
  // after too many attempts; those of `work`; those of JobLauncher::Start, except Unavailable and ResourceExhausted, which count as
  // an attempt.
  absl::Status RunUntilComplete(const TaskStop& stop);

  // Stops the process of an earlier server, if there is one.
  void StopLeftover();

 private:
  // A process that runs. The job is null if it could not be started just now.
  struct Running {
    std::unique_ptr<Job> job;
    bool found = false;
  };

  absl::StatusOr<Running> Find();
  absl::StatusOr<Running> Start();
  // Returns the exit code.
  absl::StatusOr<int> AwaitEnd(const Running& running, const TaskStop& stop);
  // Returns OK when it is time for the next start.
  absl::Status AwaitRetry(int exit_code, const TaskStop& stop);

  const SupervisionOptions options_;
  SupervisedWork* const work_;
  JobLauncher* const launcher_;
  Clock* const clock_;
  // The number of starts in a row without progress.
  int attempt_;
  WorkProgress before_;
  WorkProgress progress_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_TASKS_SUPERVISED_PROCESS_H_
