#include "service/http/http_server.h"

#include <httplib.h>

#include <thread>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace semblance::service {
namespace {

constexpr char kPlainText[] = "text/plain; charset=utf-8";
constexpr char kPrometheusText[] = "text/plain; version=0.0.4; charset=utf-8";

class HttplibServer final : public HttpServer {
 public:
  HttplibServer(const Engine* engine, const GenerationController* generations, const TrainingController* training,
                PrometheusMetrics* metrics) {
    server_.new_task_queue = [] { return new httplib::ThreadPool(2); };
    server_.Get("/metrics", [engine, generations, training, metrics](const httplib::Request&, httplib::Response& response) {
      response.set_content(metrics->Scrape(*engine, generations, training), kPrometheusText);
    });
    server_.Get("/healthz", [engine](const httplib::Request&, httplib::Response& response) {
      const EngineStatus status = engine->status();
      response.status = status.state == EngineState::kServing || status.state == EngineState::kDegraded ? 200 : 503;
      response.set_content(absl::StrCat(status.reason, "\n"), kPlainText);
    });
  }

  ~HttplibServer() override {
    server_.stop();
    if (thread_.joinable()) {
      thread_.join();
    }
  }

  absl::Status Listen(const std::string& address) {
    const size_t colon = address.rfind(':');
    int port = -1;
    if (colon == std::string::npos || !absl::SimpleAtoi(absl::string_view(address).substr(colon + 1), &port) || port < 0 ||
        port > 65535) {
      return absl::InvalidArgumentError(absl::StrCat("--http=", address, " is not host:port"));
    }
    const std::string host = address.substr(0, colon);
    port_ = port == 0 ? server_.bind_to_any_port(host) : server_.bind_to_port(host, port) ? port : -1;
    if (port_ < 0) {
      return absl::InvalidArgumentError(absl::StrCat("cannot listen on ", address, " for HTTP: is the port free?"));
    }
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    // stop() has no effect before the server runs.
    while (!server_.is_running()) {
      std::this_thread::yield();
    }
    return absl::OkStatus();
  }

  int port() const override { return port_; }

 private:
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<HttpServer>> StartHttpServer(const std::string& address, const Engine* engine,
                                                            const GenerationController* generations,
                                                            const TrainingController* training, PrometheusMetrics* metrics) {
  auto server = std::make_unique<HttplibServer>(engine, generations, training, metrics);
  const absl::Status status = server->Listen(address);
  if (!status.ok()) {
    return status;
  }
  return server;
}

}  // namespace semblance::service
