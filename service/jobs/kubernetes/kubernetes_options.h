// The cluster in which jobs run as Kubernetes Jobs. The fields are those of semblance.v1.KubernetesConfig, whose rules give the
// defaults: all of them must be set, except where a field says otherwise.
#ifndef SEMBLANCE_SERVICE_JOBS_KUBERNETES_KUBERNETES_OPTIONS_H_
#define SEMBLANCE_SERVICE_JOBS_KUBERNETES_KUBERNETES_OPTIONS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace semblance::service {

struct KubernetesOptions {
  // The container image of the jobs, which runs as a user other than root.
  std::string image;
  // If empty, the namespace of this pod is used.
  std::string job_namespace;
  // The volume claim that is mounted at mount_path, both in the pods of the jobs and in the pod of this process.
  std::string volume_claim;
  std::string mount_path;
  // The service account of the jobs' pods, which do not get its token.
  std::string service_account;
  std::string api_server;
  // The files of the bearer token and of the certificates that the API server is verified with.
  std::string token_path;
  std::string ca_path;
  // A Job is removed this many seconds after its end. At least 1.
  int ttl_seconds = 0;
  // The Deployment that owns the Jobs. If empty, none does.
  std::string owner_deployment;
  // The interval at which logs are read and a lost watch is tried again.
  absl::Duration poll_interval = absl::Seconds(5);

  // Returns a copy with a namespace. Errors: FailedPrecondition if none is set and this process is in no pod.
  absl::StatusOr<KubernetesOptions> WithNamespace() const;

  // Errors: InvalidArgument with the field, such as "kubernetes.image", and its value.
  absl::Status Validate() const;
};

// Returns true for a name that Kubernetes accepts for most objects: [a-z0-9]([-a-z0-9]*[a-z0-9])? with at most this many
// characters.
bool IsDnsLabel(const std::string& name, size_t max_size = 63);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_JOBS_KUBERNETES_KUBERNETES_OPTIONS_H_
