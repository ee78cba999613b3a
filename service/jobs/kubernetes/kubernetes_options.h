// The cluster in which jobs run as Kubernetes Jobs. Fields as of semblance.v1.KubernetesConfig, where empty means the same as here.
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
  // Empty: that of this pod.
  std::string job_namespace;
  // The volume claim that is mounted at mount_path, in the pods of the jobs and in that of this process. Required.
  std::string volume_claim;
  // Empty: /var/lib/semblance.
  std::string mount_path;
  // Of the jobs' pods, which get no token of it. Empty: "default".
  std::string service_account;
  // Empty: https://kubernetes.default.svc.
  std::string api_server;
  // Empty: those of this pod's service account.
  std::string token_path;
  std::string ca_path;
  // Seconds after which a Job that has ended is removed. 0: 86,400.
  int ttl_seconds = 0;
  // The Deployment that owns the Jobs. Empty: none.
  std::string owner_deployment;
  // How often logs are read, and a watch that was lost is tried again.
  absl::Duration poll_interval = absl::Seconds(5);

  // The same with every default filled in. Errors: FailedPrecondition where a namespace is asked for outside of a pod.
  absl::StatusOr<KubernetesOptions> WithDefaults() const;

  // REQUIRES: the defaults are filled in.
  absl::Status Validate() const;
};

// What Kubernetes takes for the name of most objects: [a-z0-9]([-a-z0-9]*[a-z0-9])?, at most so many characters.
bool IsDnsLabel(const std::string& name, size_t max_size = 63);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_JOBS_KUBERNETES_KUBERNETES_OPTIONS_H_
