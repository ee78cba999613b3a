// The metrics of training jobs in a Prometheus registry. docs/metrics.md lists them.
//
// Not thread-safe: call it once at a time, and not while the registry is collected.
#ifndef SEMBLANCE_SERVICE_HTTP_TRAINING_METRICS_H_
#define SEMBLANCE_SERVICE_HTTP_TRAINING_METRICS_H_

#include <memory>
#include <vector>

#include "service/training/training_info.h"

namespace prometheus {
class Registry;
}  // namespace prometheus

namespace semblance::service {

class TrainingMetrics {
 public:
  // `registry` must outlive the object.
  explicit TrainingMetrics(prometheus::Registry* registry);
  ~TrainingMetrics();

  // Replaces all series by those of these jobs. Only running jobs have series of their own, so that there are as many series as
  // trainers. A job is counted as ended when this call shows it as ended and the call before did not. Jobs that the first call
  // shows as ended are not counted.
  void Set(const std::vector<TrainingInfo>& jobs);

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_HTTP_TRAINING_METRICS_H_
