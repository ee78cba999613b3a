// Keeps a program at work on one task until the work is complete.
//
// Not thread-safe: one thread calls RunUntilComplete or StopLeftover.
//
// A process may outlive the server, so the supervisor first looks for one that already works on the task, and watches it like one
// that it has started. When a process ends and the work is not complete, its exit code decides: kExitBadInput and kExitUsage are
// final, everything else may pass. Then the program is started again after a delay that grows with the number of starts. Starts
// that made progress do not count; after `max_attempts` starts in a row without progress the supervisor gives up.
//
// A cancellation stops the process. At a shutdown it is left running, or stopped (`stop_at_shutdown`). Every wait ends
// soon after either: the wait for a retry at once, the watch of a process within `report_interval`.
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
  // Work has steps, which count up; `done` counts within one.
  int step = 0;
  int64_t done = 0;
  // In the words of a process that failed; empty otherwise.
  std::string error;
};

// The work of a task, seen by its supervisor. All methods are called on the supervisor's thread.
class SupervisedWork {
 public:
  virtual ~SupervisedWork() = default;

  // Errors: the errors that no further start would avoid.
  virtual absl::StatusOr<bool> IsComplete() = 0;

  // The process that works on the task already; null where there is none.
  virtual absl::StatusOr<std::unique_ptr<Job>> FindProcess() = 0;
  // A process was found, and is watched from now on.
  virtual absl::Status OnFound() = 0;

  // Records that start number `attempt` without progress comes now, and says what to start.
  virtual absl::StatusOr<JobSpec> PrepareStart(int attempt) = 0;
  virtual absl::Status OnStarted() = 0;

  // Reads what the process reports. Called about every `report_interval`, and once after the process has ended.
  virtual WorkProgress ReadProgress() = 0;

  // The program will be started again after a while, for the reason given; `attempt` starts were without progress.
  virtual absl::Status OnRetry(int attempt, const std::string& reason) = 0;
};

struct SupervisionOptions {
  // How messages name the program: "semblance-builder", "the trainer".
  std::string program;
  // Ends the messages of errors, to say where to look: "its log is /data/builder.log".
  std::string hint;
  // Starts in a row without progress after which the supervisor gives up.
  int max_attempts = 4;
  // How many such starts earlier servers have made.
  int attempt = 0;
  // The next start waits so long times one more than the number of starts so far.
  absl::Duration retry_delay = absl::Seconds(1);
  // How long a process may take to stop before it is killed.
  absl::Duration stop_grace = absl::Seconds(5);
  absl::Duration report_interval = absl::Milliseconds(100);
  // A process that this supervisor has started is stopped when the server ends. One that it has found runs on.
  bool stop_at_shutdown = false;
};

class SupervisedProcess {
 public:
  // Everything that is passed by pointer must outlive the supervisor.
  SupervisedProcess(SupervisionOptions options, SupervisedWork* work, JobLauncher* launcher, Clock* clock);

  // Errors: Cancelled when `stop` was requested; FailedPrecondition with the program's words for a final exit code; Unavailable
  // after too many attempts; those of `work`; those of JobLauncher::Start, except Unavailable and ResourceExhausted, which count
  // as an attempt.
  absl::Status RunUntilComplete(const TaskStop& stop);

  // Stops the process of an earlier server, where there is one.
  void StopLeftover();

 private:
  // A process that runs, or that could not be started just now (null).
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
  // Starts in a row without progress.
  int attempt_;
  WorkProgress before_;
  WorkProgress progress_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_TASKS_SUPERVISED_PROCESS_H_
