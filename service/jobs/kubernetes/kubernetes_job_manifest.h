// Makes the JSON objects that a Kubernetes API server receives for a job.
//
// Thread-safe: functions without state.
//
// The Job is of batch/v1. A failed pod is replaced up to three times for each replica. It is not replaced after exit code 2 or
// 42, because another try would end the same way. A pod that the cluster disrupts does not count. The pods of several replicas
// fail together. Replicas are the indexes of the Job. Each pod has one process with the environment that torchrun sets, and
// finds the first replica by the name that a headless Service gives it. Arguments reach the program unchanged: $(NAME), which
// Kubernetes would replace, is escaped.
//
// Its pods run without root, capabilities and the token of a service account. Their root file system is read-only, except /tmp.
// JobSpec::priority has no counterpart, because a pod has its own share of the processor.
#ifndef SEMBLANCE_SERVICE_JOBS_KUBERNETES_KUBERNETES_JOB_MANIFEST_H_
#define SEMBLANCE_SERVICE_JOBS_KUBERNETES_KUBERNETES_JOB_MANIFEST_H_

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "service/jobs/job_launcher.h"
#include "service/jobs/kubernetes/kubernetes_options.h"

namespace semblance::service {

// The name of the container in each pod.
inline constexpr char kTrainerContainer[] = "trainer";
inline constexpr char kManagedBy[] = "semblance-server";
// The annotation of a Job that holds JobSpec::log_path. Attaching reads it.
inline constexpr char kLogPathAnnotation[] = "semblance/log-path";

// The object whose deletion also removes another one.
struct KubernetesOwner {
  std::string name;
  std::string uid;
};

// REQUIRES: the options have their defaults and are valid; the spec has a name, arguments and at least one replica.
std::string RenderJob(const JobSpec& spec, const KubernetesOptions& options, const std::optional<KubernetesOwner>& deployment);

// The headless Service through which the replicas of a job find each other. It is deleted together with the Job.
std::string RenderReplicaService(const KubernetesOwner& job);

// The body of the request that deletes a Job and, before it, its pods. It does not delete another Job of this name.
std::string RenderDeletion(const std::string& uid, absl::Duration grace);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_JOBS_KUBERNETES_KUBERNETES_JOB_MANIFEST_H_
