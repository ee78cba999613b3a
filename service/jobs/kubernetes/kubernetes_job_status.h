// What the answers of a Kubernetes API server say of a Job and its pods.
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
  // Whether a server of this kind made it.
  bool is_ours = false;
  std::string log_path;
  KubernetesJobPhase phase = KubernetesJobPhase::kRuns;
};

absl::StatusOr<KubernetesJobStatus> ParseJob(const std::string& json);

// An event of a watch over one Job.
struct KubernetesJobEvent {
  enum class Type { kChanged, kDeleted, kBookmark, kError };
  Type type = Type::kChanged;
  // Of a bookmark only the version.
  KubernetesJobStatus job;
  // Of an error: its HTTP status.
  int error_code = 0;
};

absl::StatusOr<KubernetesJobEvent> ParseJobEvent(const std::string& json);

struct KubernetesPod {
  std::string name;
  // Its replica's number; 0 for a Job without.
  int index = 0;
  // Whether its container has been started: it may have a log.
  bool has_started = false;
  // Why it has not been started, in words. Empty: none is known.
  std::string waits_for;
  // Of a container that has ended.
  std::optional<int> exit_code;
  absl::Time end_time = absl::InfinitePast();
};

// In the order of their creation.
absl::StatusOr<std::vector<KubernetesPod>> ParsePods(const std::string& json);

// The exit code that tells most about a failed Job: one after which no other try was made (42, 2), else the last that was not a
// signal's (its other pods are ended with the Job), else the last. kExitUnknown where no pod has failed, or none is left.
int ExitCodeOfFailed(const std::vector<KubernetesPod>& pods);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_JOBS_KUBERNETES_KUBERNETES_JOB_STATUS_H_
