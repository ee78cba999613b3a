// The metrics of generations in a Prometheus registry. docs/metrics.md lists them.
//
// Thread-safe, except that Set must be called once at a time and not while the registry is collected.
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
  // `registry` must outlive the object.
  explicit GenerationMetrics(prometheus::Registry* registry);
  ~GenerationMetrics();

  // Replaces all series by those of these generations. A deleted generation and a state that has ended have no series.
  void Set(const GenerationList& list);

  // These implement EngineMetrics.
  void ObserveActivation(absl::string_view result, absl::Duration write_pause);

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_HTTP_GENERATION_METRICS_H_
