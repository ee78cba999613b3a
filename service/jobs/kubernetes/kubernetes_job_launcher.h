// Jobs in a Kubernetes cluster: each is a Job of batch/v1 (kubernetes_job_manifest.h has what it is made of).
//
// Thread-safe.
//
// The Job's name is that of the spec, which makes Start safe to repeat: a Job that is there already under the name is taken. What
// the pods print is copied to the log path every poll interval; an attached job goes on with that, where the log lies below the
// mount path. Each job that is waited for has a thread.
//
// Job::Stop deletes the Job. Its pods get SIGTERM and have 30 seconds, whatever the grace is. Where the API server refuses (no
// right to delete), or does not answer until 90 seconds after the grace, Stop returns with the job unended. Destroying a Job may
// take as long as a connection attempt, 5 seconds.
//
// The service account of this process needs these rights in the namespace (a Role):
//   batch: jobs: create, get, list, watch, delete
//   "" (core): pods: get, list; pods/log: get; services: create
//   apps: deployments: get (with owner_deployment)
#ifndef SEMBLANCE_SERVICE_JOBS_KUBERNETES_KUBERNETES_JOB_LAUNCHER_H_
#define SEMBLANCE_SERVICE_JOBS_KUBERNETES_KUBERNETES_JOB_LAUNCHER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "service/jobs/job_launcher.h"
#include "service/jobs/kubernetes/kubernetes_options.h"

namespace semblance::service {

// The API server is not asked before the first job. Errors: InvalidArgument for options that make no sense; FailedPrecondition for
// a default that only a pod has. Start: also InvalidArgument, for a name that is no DNS label, and what KubernetesClient returns.
absl::StatusOr<std::unique_ptr<JobLauncher>> NewKubernetesJobLauncher(const KubernetesOptions& options);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_JOBS_KUBERNETES_KUBERNETES_JOB_LAUNCHER_H_
