// Copies the logs of a Job's pods to a file: a line of a pod once, those of each pod in their order.
//
// Not thread-safe. The client must outlive it.
//
// How far it has come is kept in <log>.position beside the log, so that a later process goes on there; after a crash in between
// some lines are there twice. Lines of a replica other than the first begin with "[rank N] ". Where a pod cannot be started the log
// says why. Errors are ignored: what could not be read or written is tried again the next time, and nothing depends on it.
#ifndef SEMBLANCE_SERVICE_JOBS_KUBERNETES_KUBERNETES_POD_LOGS_H_
#define SEMBLANCE_SERVICE_JOBS_KUBERNETES_KUBERNETES_POD_LOGS_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "service/jobs/kubernetes/kubernetes_client.h"
#include "service/jobs/kubernetes/kubernetes_job_status.h"

namespace semblance::service {

class KubernetesPodLogs {
 public:
  // `pods_path` is that of the namespace's pods. Without a log path nothing is copied.
  KubernetesPodLogs(KubernetesClient* client, std::string pods_path, std::string log_path);

  // Appends what is new.
  void Copy(const std::vector<KubernetesPod>& pods);

 private:
  // The new lines of a pod, as they go to the log; moves its position.
  std::string NewLines(const KubernetesPod& pod);
  std::string WhyItWaits(const KubernetesPod& pod);
  void ReadPositions();
  void WritePositions() const;

  KubernetesClient& client_;
  const std::string pods_path_;
  const std::string log_path_;
  // The time of a pod's last line that was copied.
  std::map<std::string, absl::Time> positions_;
  // Pods that have ended and whose lines were all copied.
  std::set<std::string> done_;
  std::map<std::string, std::string> told_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_JOBS_KUBERNETES_KUBERNETES_POD_LOGS_H_
