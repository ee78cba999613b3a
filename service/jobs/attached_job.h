// A job on this machine that another process started: found by its name, watched without being its parent.
//
// Thread-safe.
//
// Of an environment only what it was at the program's start counts (/proc/PID/environ), and only that of processes of the same
// user.
#ifndef SEMBLANCE_SERVICE_JOBS_ATTACHED_JOB_H_
#define SEMBLANCE_SERVICE_JOBS_ATTACHED_JOB_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "service/jobs/job_launcher.h"

namespace semblance::service {

// The variable that holds a job's name.
inline constexpr char kJobVariable[] = "SEMBLANCE_JOB";

// The leader of a process group that runs with SEMBLANCE_JOB=<name>. Its exit code is kExitUnknown. Errors: NotFound where there is
// none, or only a zombie; Unavailable where the processes cannot be looked through.
absl::StatusOr<std::unique_ptr<Job>> AttachLocalJob(const std::string& name);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_JOBS_ATTACHED_JOB_H_
