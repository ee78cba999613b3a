// All metrics of the server as a Prometheus registry. docs/metrics.md lists them.
//
// Thread-safe.
#ifndef SEMBLANCE_SERVICE_HTTP_PROMETHEUS_METRICS_H_
#define SEMBLANCE_SERVICE_HTTP_PROMETHEUS_METRICS_H_

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "service/engine/engine.h"
#include "service/engine/metrics.h"
#include "service/generations/generation_controller.h"
#include "service/rpc/metrics.h"
#include "service/training/training_controller.h"

namespace semblance::service {

class PrometheusMetrics final : public EngineMetrics, public RpcMetrics {
 public:
  PrometheusMetrics();
  ~PrometheusMetrics() override;

  void ObserveStages(const LatencyBreakdown& latency) override;
  void ObserveBatch(int batch_size) override;
  void ObserveCommit(absl::Duration duration) override;
  void ObserveRecall(int expected, int found) override;
  void ObserveActivation(absl::string_view result, absl::Duration write_pause) override;
  void CountStarted(const RpcMethod& method) override;
  void ObserveHandled(const RpcMethod& method, const absl::Status& status, absl::Duration duration) override;

  // Returns the text exposition format with the present values of gauges. If `generations` is null, only the active generation
  // has a lag and none has a state. If `training` is null, there are no series of jobs.
  std::string Scrape(const Engine& engine, const GenerationController* generations, const TrainingController* training);

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_HTTP_PROMETHEUS_METRICS_H_
