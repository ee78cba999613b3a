#include "service/rpc/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/logging.h"
#include "common/status_macros.h"
#include "semblance/v1/admin_service.grpc.pb.h"
#include "semblance/v1/catalog_service.grpc.pb.h"
#include "semblance/v1/embedding_service.grpc.pb.h"
#include "semblance/v1/generation_service.grpc.pb.h"
#include "semblance/v1/model_service.grpc.pb.h"
#include "semblance/v1/search_service.grpc.pb.h"
#include "semblance/v1/training_service.grpc.pb.h"
#include "service/engine/engine.h"
#include "service/models/model_registry.h"
#include "service/rpc/generation_service.h"
#include "service/rpc/services.h"
#include "service/rpc/training_service.h"
#include "service/rpc/unary_call.h"

namespace semblance::service {
namespace {

ModelResolver ResolverOf(const ModelRegistry* models) {
  return [models](const std::string& name) -> absl::StatusOr<ResolvedModel> {
    SEMBLANCE_ASSIGN_OR_RETURN(const ModelBundle bundle, models->Resolve(name));
    return ResolvedModel{.bundle_dir = bundle.bundle_dir, .version = bundle.model.version};
  };
}

class GrpcServer final : public RpcServer {
 public:
  GrpcServer(const RpcServices& services, RpcMetrics* metrics)
      : max_message_bytes_(services.engine->config().limits().max_message_bytes()),
        calls_(metrics, max_message_bytes_, absl::Milliseconds(services.engine->config().limits().default_deadline_ms())) {
    Add(v1::SearchService::service_full_name(), NewSearchService(services.engine, &calls_));
    Add(v1::EmbeddingService::service_full_name(), NewEmbeddingService(services.engine, &calls_));
    Add(v1::CatalogService::service_full_name(), NewCatalogService(services.engine, &calls_));
    Add(v1::AdminService::service_full_name(), NewAdminService(services.engine, &calls_));
    if (services.models != nullptr) {
      Add(v1::ModelService::service_full_name(), NewModelService(services.models, &calls_));
    }
    if (services.generations != nullptr) {
      Add(v1::GenerationService::service_full_name(),
          NewGenerationService(services.generations, ResolverOf(services.models), &calls_));
    }
    if (services.training != nullptr) {
      Add(v1::TrainingService::service_full_name(), NewTrainingService(services.training, &calls_));
    }
  }

  absl::Status Listen(const std::string& address) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port_);
    for (const auto& [name, service] : services_) {
      builder.RegisterService(service.get());
    }
    // The transport accepts twice our own limit. Between the two limits we refuse with a reason. Above it the transport refuses
    // without one.
    builder.SetMaxReceiveMessageSize(static_cast<int>(2 * max_message_bytes_));
    // Otherwise a second server on the same port would receive half of the calls.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    // Connections are closed gracefully after a while, so that clients spread over new replicas.
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
    for (const auto& [name, service] : services_) {
      health->SetServingStatus(name, serving);
    }
  }

  bool WaitUntilQuiet(absl::Duration limit) override {
    constexpr absl::Duration kQuiet = absl::Milliseconds(300);
    const absl::Time start = absl::Now();
    while (true) {
      const absl::Time now = absl::Now();
      const absl::Time quiet = std::max(start, calls_.last_arrival()) + kQuiet;
      if (now >= quiet || now >= start + limit) {
        return now >= quiet;
      }
      // No event says that no call arrives. An arriving call only postpones the moment, so nothing needs to end this sleep early.
      absl::SleepFor(std::min(quiet, start + limit) - now);
    }
  }

  void Shutdown(absl::Duration grace) override {
    calls_.EndStreams();
    server_->Shutdown(absl::ToChronoTime(absl::Now() + grace));
    server_->Wait();
    LOG_IF(ERROR, calls_.in_flight() != 0) << calls_.in_flight() << " calls are left after the shutdown";
  }

 private:
  void Add(const char* name, std::unique_ptr<grpc::Service> service) { services_.emplace_back(name, std::move(service)); }

  const int64_t max_message_bytes_;
  CallTracker calls_;
  // The keys are full names.
  std::vector<std::pair<std::string, std::unique_ptr<grpc::Service>>> services_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<RpcServer>> StartRpcServer(const std::string& address, const RpcServices& services,
                                                          RpcMetrics* metrics) {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  auto server = std::make_unique<GrpcServer>(services, metrics);
  const absl::Status status = server->Listen(address);
  if (!status.ok()) {
    return status;
  }
  return server;
}

}  // namespace semblance::service
