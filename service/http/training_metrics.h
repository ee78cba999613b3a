// The metrics of training jobs, in a Prometheus registry; docs/metrics.md lists them.
//
// Not thread-safe: one call at a time, and none while the registry is collected.
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
  // `registry` must outlive it.
  explicit TrainingMetrics(prometheus::Registry* registry);
  ~TrainingMetrics();

  // The series of these jobs in place of those that were set before. Only jobs that run have series of their own, so that there are
  // no more of them than trainers. A job counts as ended when a call shows it so and the call before did not; what the first call
  // shows had ended before.
  void Set(const std::vector<TrainingInfo>& jobs);

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_HTTP_TRAINING_METRICS_H_
