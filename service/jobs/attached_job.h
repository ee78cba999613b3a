// A job on this machine that another process started. It is found by its name and watched without being its parent.
//
// Thread-safe.
//
// A process counts by the environment that it had at its start (/proc/PID/environ), and only if the same user owns it.
#ifndef SEMBLANCE_SERVICE_JOBS_ATTACHED_JOB_H_
#define SEMBLANCE_SERVICE_JOBS_ATTACHED_JOB_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "service/jobs/job_launcher.h"

namespace semblance::service {

// The environment variable that holds the name of a job.
inline constexpr char kJobVariable[] = "SEMBLANCE_JOB";

// Finds the leader of a process group that runs with SEMBLANCE_JOB=<name>. Its exit code is kExitUnknown. Errors: NotFound if
// there is none, or only a zombie; Unavailable if the processes cannot be listed.
absl::StatusOr<std::unique_ptr<Job>> AttachLocalJob(const std::string& name);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_JOBS_ATTACHED_JOB_H_
