// All metrics of the server as a Prometheus registry; docs/metrics.md lists them.
//
// Thread-safe.
#ifndef SEMBLANCE_SERVICE_HTTP_PROMETHEUS_METRICS_H_
#define SEMBLANCE_SERVICE_HTTP_PROMETHEUS_METRICS_H_

#include <memory>
#include <string>

#include "service/engine/engine.h"
#include "service/engine/metrics.h"
#include "service/rpc/metrics.h"

namespace semblance {

class PrometheusMetrics final : public EngineMetrics, public RpcMetrics {
 public:
  PrometheusMetrics();
  ~PrometheusMetrics() override;

  void ObserveStages(const LatencyBreakdown& latency) override;
  void ObserveBatch(int batch_size) override;
  void ObserveCommit(absl::Duration duration) override;
  void ObserveRecall(int expected, int found) override;
  void CountStarted(const RpcMethod& method) override;
  void ObserveHandled(const RpcMethod& method, const absl::Status& status, absl::Duration duration) override;

  // The text exposition format, with the engine's gauges as of now.
  std::string Scrape(const Engine& engine);

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace semblance

#endif  // SEMBLANCE_SERVICE_HTTP_PROMETHEUS_METRICS_H_
