// What is sent to a Kubernetes API server for a job, as JSON.
//
// Thread-safe: functions without state.
//
// The Job is of batch/v1: a failed pod is replaced up to three times for each replica, but not after exit code 2 or 42, which
// another try would not change, and a pod that the cluster disrupts does not count. (The pods of several replicas fail together.)
// Replicas are the indexes of the Job: each has the environment that torchrun sets, with one process in each pod, and finds the
// first by the name that a headless Service gives it. Arguments reach the program as they are: what Kubernetes would replace in
// them, $(NAME), is escaped.
//
// Its pods run without root, capabilities, a writable root file system (but for /tmp) and a service account's token. There is no
// counterpart of JobSpec::priority: what a pod asks for is its own.
#ifndef SEMBLANCE_SERVICE_JOBS_KUBERNETES_KUBERNETES_JOB_MANIFEST_H_
#define SEMBLANCE_SERVICE_JOBS_KUBERNETES_KUBERNETES_JOB_MANIFEST_H_

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "service/jobs/job_launcher.h"
#include "service/jobs/kubernetes/kubernetes_options.h"

namespace semblance::service {

// The container of each pod.
inline constexpr char kTrainerContainer[] = "trainer";
inline constexpr char kManagedBy[] = "semblance-server";
// The annotation of a Job that holds JobSpec::log_path, for those who attach to it.
inline constexpr char kLogPathAnnotation[] = "semblance/log-path";

// Another object that something is removed with.
struct KubernetesOwner {
  std::string name;
  std::string uid;
};

// REQUIRES: the options have their defaults and are valid; the spec has a name, arguments and at least one replica.
std::string RenderJob(const JobSpec& spec, const KubernetesOptions& options, const std::optional<KubernetesOwner>& deployment);

// The headless Service through which the replicas of a job find each other; it goes with the Job.
std::string RenderReplicaService(const KubernetesOwner& job);

// The body of the request that deletes a Job and, before it, its pods. Another Job of that name is left alone.
std::string RenderDeletion(const std::string& uid, absl::Duration grace);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_JOBS_KUBERNETES_KUBERNETES_JOB_MANIFEST_H_
