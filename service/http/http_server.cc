#include "service/http/http_server.h"

#include <httplib.h>

#include <stop_token>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/threads/condition.h"
#include "common/threads/mutex.h"
#include "common/threads/worker.h"

namespace semblance::service {
namespace {

constexpr char kPlainText[] = "text/plain; charset=utf-8";
constexpr char kPrometheusText[] = "text/plain; version=0.0.4; charset=utf-8";

class HttplibServer final : public HttpServer {
 public:
  HttplibServer(const Engine* engine, const GenerationController* generations, const TrainingController* training,
                PrometheusMetrics* metrics) {
    // httplib asks for its threads when it begins to listen.
    server_.new_task_queue = [this] {
      SetState(State::kListening);
      return new httplib::ThreadPool(2);
    };
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
    thread_.Stop();
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
    thread_ = Worker("http", [this](const std::stop_token& /*stop*/) {
      server_.listen_after_bind();
      SetState(State::kEnded);
    });
    // The destructor's stop() has no effect before the server listens.
    const MutexLock lock(&mutex_);
    state_changed_.Wait(mutex_, /*stop=*/{}, [this]() SEMBLANCE_REQUIRES(mutex_) { return state_ != State::kStarting; });
    return state_ == State::kListening ? absl::OkStatus()
                                       : absl::InternalError(absl::StrCat("cannot accept connections on ", address));
  }

  int port() const override { return port_; }

 private:
  enum class State { kStarting, kListening, kEnded };

  void SetState(State state) {
    const MutexLock lock(&mutex_);
    state_ = state;
    state_changed_.NotifyAll();
  }

  httplib::Server server_;
  int port_ = 0;
  Mutex mutex_;
  Condition state_changed_;
  State state_ SEMBLANCE_GUARDED_BY(mutex_) = State::kStarting;
  Worker thread_;
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
