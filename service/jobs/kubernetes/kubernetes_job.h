// A Job in a Kubernetes cluster, watched by a thread of its own until it ends; meanwhile the logs of its pods are copied.
//
// Thread-safe.
//
// The watch begins at a resource version. Where the server no longer has it (410), ends the watch or is lost, the thread reads the
// Job again and goes on from there, at most once in a poll interval. A Job that is gone, or that gave way to another of its name,
// was stopped: 143.
#ifndef SEMBLANCE_SERVICE_JOBS_KUBERNETES_KUBERNETES_JOB_H_
#define SEMBLANCE_SERVICE_JOBS_KUBERNETES_KUBERNETES_JOB_H_

#include <memory>
#include <string>

#include "service/jobs/job_launcher.h"
#include "service/jobs/kubernetes/kubernetes_client.h"
#include "service/jobs/kubernetes/kubernetes_job_status.h"
#include "service/jobs/kubernetes/kubernetes_options.h"

namespace semblance::service {

// /apis/batch/v1/namespaces/NAMESPACE/jobs, and the pods of the same.
std::string KubernetesJobsPath(const KubernetesOptions& options);
std::string KubernetesPodsPath(const KubernetesOptions& options);

// `job` is what was last seen of it; its log path is where the logs go. The client is the job's alone.
std::unique_ptr<Job> WatchKubernetesJob(std::string name, const KubernetesJobStatus& job, const KubernetesOptions& options,
                                        std::unique_ptr<KubernetesClient> client);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_JOBS_KUBERNETES_KUBERNETES_JOB_H_
