// A Job in a Kubernetes cluster. A thread watches it until it ends and copies the logs of its pods.
//
// Thread-safe.
//
// The watch begins at a resource version. If the server no longer has this version (410), ends the watch, or is lost, the
// thread reads the Job again and resumes from there, at most once in a poll interval. A Job that was deleted, or replaced by
// another of its name, counts as stopped: its exit code is 143.
#ifndef SEMBLANCE_SERVICE_JOBS_KUBERNETES_KUBERNETES_JOB_H_
#define SEMBLANCE_SERVICE_JOBS_KUBERNETES_KUBERNETES_JOB_H_

#include <memory>
#include <string>

#include "service/jobs/job_launcher.h"
#include "service/jobs/kubernetes/kubernetes_client.h"
#include "service/jobs/kubernetes/kubernetes_job_status.h"
#include "service/jobs/kubernetes/kubernetes_options.h"

namespace semblance::service {

// /apis/batch/v1/namespaces/NAMESPACE/jobs, and the path of the pods of the same namespace.
std::string KubernetesJobsPath(const KubernetesOptions& options);
std::string KubernetesPodsPath(const KubernetesOptions& options);

// `job` is its last known state, whose log path receives the logs. No other job may use the client.
std::unique_ptr<Job> WatchKubernetesJob(std::string name, const KubernetesJobStatus& job, const KubernetesOptions& options,
                                        std::unique_ptr<KubernetesClient> client);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_JOBS_KUBERNETES_KUBERNETES_JOB_H_
