// The metrics of generations, in a Prometheus registry; docs/metrics.md lists them.
//
// Thread-safe, but for Set: one call at a time, and none while the registry is collected.
#ifndef SEMBLANCE_SERVICE_HTTP_GENERATION_METRICS_H_
#define SEMBLANCE_SERVICE_HTTP_GENERATION_METRICS_H_

#include <memory>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "service/generations/generation_controller.h"

namespace prometheus {
class Registry;
}  // namespace prometheus

namespace semblance::service {

class GenerationMetrics {
 public:
  // `registry` must outlive it.
  explicit GenerationMetrics(prometheus::Registry* registry);
  ~GenerationMetrics();

  // The series of these generations in place of those that were set before: what is gone, and a state that is over, has none.
  void Set(const GenerationList& list);

  // See EngineMetrics.
  void ObserveActivation(absl::string_view result, absl::Duration write_pause);

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_HTTP_GENERATION_METRICS_H_
