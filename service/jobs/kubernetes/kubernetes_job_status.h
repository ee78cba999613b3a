// Reads the answers of a Kubernetes API server about a Job and its pods.
//
// Thread-safe: functions without state. Errors: Unavailable for an answer that cannot be read.
#ifndef SEMBLANCE_SERVICE_JOBS_KUBERNETES_KUBERNETES_JOB_STATUS_H_
#define SEMBLANCE_SERVICE_JOBS_KUBERNETES_KUBERNETES_JOB_STATUS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace semblance::service {

enum class KubernetesJobPhase { kRuns, kComplete, kFailed };

struct KubernetesJobStatus {
  std::string uid;
  std::string resource_version;
  // True if a Semblance server made the Job.
  bool is_ours = false;
  std::string log_path;
  KubernetesJobPhase phase = KubernetesJobPhase::kRuns;
};

absl::StatusOr<KubernetesJobStatus> ParseJob(const std::string& json);

// An event of a watch on one Job.
struct KubernetesJobEvent {
  enum class Type { kChanged, kDeleted, kBookmark, kError };
  Type type = Type::kChanged;
  // A bookmark gives only the version.
  KubernetesJobStatus job;
  // The HTTP status of an error.
  int error_code = 0;
};

absl::StatusOr<KubernetesJobEvent> ParseJobEvent(const std::string& json);

struct KubernetesPod {
  std::string name;
  // The number of its replica. 0 for a Job without replicas.
  int index = 0;
  // True if its container was started, so that it may have a log.
  bool has_started = false;
  // The reason why it was not started, in words. Empty if none is known.
  std::string waits_for;
  // The exit code of a container that has ended.
  std::optional<int> exit_code;
  absl::Time end_time = absl::InfinitePast();
};

// Returns the pods in the order of their creation.
absl::StatusOr<std::vector<KubernetesPod>> ParsePods(const std::string& json);

// Returns the most informative exit code of a failed Job. This is a code after which no other try was made (42, 2), else the
// last code that was not a signal's, because the other pods are ended with the Job, else the last code. Returns kExitUnknown if
// no pod has failed or none is left.
int ExitCodeOfFailed(const std::vector<KubernetesPod>& pods);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_JOBS_KUBERNETES_KUBERNETES_JOB_STATUS_H_
