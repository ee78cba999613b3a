#include "service/rpc/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/logging.h"
#include "semblance/v1/admin_service.grpc.pb.h"
#include "semblance/v1/catalog_service.grpc.pb.h"
#include "semblance/v1/embedding_service.grpc.pb.h"
#include "semblance/v1/search_service.grpc.pb.h"
#include "service/rpc/services.h"
#include "service/rpc/unary_call.h"

namespace semblance {
namespace {

class GrpcServer final : public RpcServer {
 public:
  GrpcServer(Engine* engine, RpcMetrics* metrics)
      : max_message_bytes_(engine->config().limits().max_message_bytes()),
        calls_(metrics, max_message_bytes_, absl::Milliseconds(engine->config().limits().default_deadline_ms())) {
    services_.push_back(NewSearchService(engine, &calls_));
    services_.push_back(NewEmbeddingService(engine, &calls_));
    services_.push_back(NewCatalogService(engine, &calls_));
    services_.push_back(NewAdminService(engine, &calls_));
  }

  absl::Status Listen(const std::string& address) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port_);
    for (const std::unique_ptr<grpc::Service>& service : services_) {
      builder.RegisterService(service.get());
    }
    // Twice our own limit: what lies between is refused by us, with a reason; only what lies above by the transport, without.
    builder.SetMaxReceiveMessageSize(static_cast<int>(2 * max_message_bytes_));
    // A second server on the same port would take half of the calls.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    // Connections are closed gently now and then, so that clients spread over new replicas.
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, 30 * 60 * 1000);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, 5 * 60 * 1000);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port_ == 0) {
      return absl::InvalidArgumentError(absl::StrCat("cannot listen on ", address, ": is it host:port, and is the port free?"));
    }
    SetServing(false);
    return absl::OkStatus();
  }

  int port() const override { return port_; }

  void SetServing(bool serving) override {
    grpc::HealthCheckServiceInterface* health = server_->GetHealthCheckService();
    health->SetServingStatus(serving);
    for (const absl::string_view service : {v1::SearchService::service_full_name(), v1::EmbeddingService::service_full_name(),
                                            v1::CatalogService::service_full_name(), v1::AdminService::service_full_name()}) {
      health->SetServingStatus(std::string(service), serving);
    }
  }

  bool WaitUntilQuiet(absl::Duration limit) override {
    constexpr absl::Duration kQuiet = absl::Milliseconds(300);
    const absl::Time end = absl::Now() + limit;
    int64_t arrived = calls_.arrived();
    absl::Time last_arrival = absl::Now();
    while (absl::Now() < end) {
      absl::SleepFor(absl::Milliseconds(20));
      if (const int64_t count = calls_.arrived(); count != arrived) {
        arrived = count;
        last_arrival = absl::Now();
      } else if (absl::Now() - last_arrival >= kQuiet) {
        return true;
      }
    }
    return false;
  }

  void Shutdown(absl::Duration grace) override {
    server_->Shutdown(absl::ToChronoTime(absl::Now() + grace));
    server_->Wait();
    LOG_IF(ERROR, calls_.in_flight() != 0) << calls_.in_flight() << " calls are left after the shutdown";
  }

 private:
  const int64_t max_message_bytes_;
  CallTracker calls_;
  std::vector<std::unique_ptr<grpc::Service>> services_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<RpcServer>> StartRpcServer(const std::string& address, Engine* engine, RpcMetrics* metrics) {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  auto server = std::make_unique<GrpcServer>(engine, metrics);
  const absl::Status status = server->Listen(address);
  if (!status.ok()) {
    return status;
  }
  return server;
}

}  // namespace semblance
