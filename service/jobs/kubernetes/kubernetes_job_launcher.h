// Launches jobs in a Kubernetes cluster. Each is a Job of batch/v1; kubernetes_job_manifest.h describes it.
//
// Thread-safe.
//
// The Job has the name of the spec, so Start may be repeated: an existing Job of this name is used. The output of the pods is
// copied to the log path every poll interval. An attached job continues the copy if the log is below the mount path. Each job
// that somebody waits for has a thread.
//
// Job::Stop deletes the Job. Its pods get SIGTERM and have 30 seconds, whatever the grace is. If the API server refuses (no
// right to delete), or does not answer within 90 seconds after the grace, Stop returns although the job runs. Destroying a Job
// may take as long as a connection attempt, 5 seconds.
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

// The first request to the API server is made for the first job. Errors: InvalidArgument for invalid options;
// FailedPrecondition without a namespace outside of a pod. Start also returns InvalidArgument for a name that is no DNS
// label, and the errors of KubernetesClient.
absl::StatusOr<std::unique_ptr<JobLauncher>> NewKubernetesJobLauncher(const KubernetesOptions& options);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_JOBS_KUBERNETES_KUBERNETES_JOB_LAUNCHER_H_
