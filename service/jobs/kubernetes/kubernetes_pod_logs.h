// Copies the logs of a Job's pods to a file. Each line is copied once, and the lines of a pod keep their order.
//
// Not thread-safe. The client must outlive the object.
//
// The file <log>.position beside the log holds the position, so that a later process resumes there. After a crash between the
// two some lines exist twice. Lines of a replica other than the first begin with "[rank N] ". If a pod cannot be started, the
// log says why. Errors are ignored, because the next call repeats what failed and nothing depends on the log.
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
  // `pods_path` is the path of the namespace's pods. Without a log path nothing is copied.
  KubernetesPodLogs(KubernetesClient* client, std::string pods_path, std::string log_path);

  // Appends the new lines.
  void Copy(const std::vector<KubernetesPod>& pods);

 private:
  // Returns the new lines of a pod in the form that the log receives, and advances its position.
  std::string NewLines(const KubernetesPod& pod);
  std::string WhyItWaits(const KubernetesPod& pod);
  void ReadPositions();
  void WritePositions() const;

  KubernetesClient& client_;
  const std::string pods_path_;
  const std::string log_path_;
  // The time of a pod's last line that was copied.
  std::map<std::string, absl::Time> positions_;
  // The pods that have ended and whose lines were all copied.
  std::set<std::string> done_;
  std::map<std::string, std::string> told_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_JOBS_KUBERNETES_KUBERNETES_POD_LOGS_H_
