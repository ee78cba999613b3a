// A small HTTP server for operators. GET /metrics returns Prometheus metrics. GET /healthz returns 200 while searches are
// answered, and otherwise 503 with the reason.
//
// Thread-safe. Engine, generations, training and metrics must outlive it.
// Errors: InvalidArgument for an address that cannot be parsed or bound.
#ifndef SEMBLANCE_SERVICE_HTTP_HTTP_SERVER_H_
#define SEMBLANCE_SERVICE_HTTP_HTTP_SERVER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "service/engine/engine.h"
#include "service/generations/generation_controller.h"
#include "service/http/prometheus_metrics.h"
#include "service/training/training_controller.h"

namespace semblance::service {

class HttpServer {
 public:
  // Stops listening.
  virtual ~HttpServer() = default;

  // The port that was bound, also if the address asked for port 0.
  virtual int port() const = 0;
};

// Listens on `address` (host:port). `generations` and `training` may be null; see PrometheusMetrics::Scrape.
absl::StatusOr<std::unique_ptr<HttpServer>> StartHttpServer(const std::string& address, const Engine* engine,
                                                            const GenerationController* generations,
                                                            const TrainingController* training, PrometheusMetrics* metrics);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_HTTP_HTTP_SERVER_H_
