// The cluster in which jobs run as Kubernetes Jobs. The fields have the meaning of those of semblance.v1.KubernetesConfig, and
// empty values mean the same.
#ifndef SEMBLANCE_SERVICE_JOBS_KUBERNETES_KUBERNETES_OPTIONS_H_
#define SEMBLANCE_SERVICE_JOBS_KUBERNETES_KUBERNETES_OPTIONS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace semblance::service {

struct KubernetesOptions {
  // The container image of the jobs, which runs as a user other than root. Required.
  std::string image;
  // If empty, the namespace of this pod is used.
  std::string job_namespace;
  // The volume claim that is mounted at mount_path, both in the pods of the jobs and in the pod of this process. Required.
  std::string volume_claim;
  // If empty, it is /var/lib/semblance.
  std::string mount_path;
  // The service account of the jobs' pods, which do not get its token. If empty, it is "default".
  std::string service_account;
  // If empty, it is https://kubernetes.default.svc.
  std::string api_server;
  // If empty, the files of this pod's service account are used.
  std::string token_path;
  std::string ca_path;
  // A Job is removed this many seconds after its end. 0 means 86,400.
  int ttl_seconds = 0;
  // The Deployment that owns the Jobs. If empty, none does.
  std::string owner_deployment;
  // The interval at which logs are read and a lost watch is tried again.
  absl::Duration poll_interval = absl::Seconds(5);

  // Returns a copy with every default filled in. Errors: FailedPrecondition if the namespace is needed outside of a pod.
  absl::StatusOr<KubernetesOptions> WithDefaults() const;

  // REQUIRES: the defaults are filled in.
  absl::Status Validate() const;
};

// Returns true for a name that Kubernetes accepts for most objects: [a-z0-9]([-a-z0-9]*[a-z0-9])? with at most this many
// characters.
bool IsDnsLabel(const std::string& name, size_t max_size = 63);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_JOBS_KUBERNETES_KUBERNETES_OPTIONS_H_
