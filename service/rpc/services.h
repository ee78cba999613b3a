// The RPC services convert messages and call the engine. proto/semblance/v1 describes the API.
//
// Thread-safe. Engine, registry and tracker must outlive the services, and the services must outlive every call.
#ifndef SEMBLANCE_SERVICE_RPC_SERVICES_H_
#define SEMBLANCE_SERVICE_RPC_SERVICES_H_

#include <grpcpp/impl/service_type.h>

#include <memory>

#include "service/rpc/unary_call.h"

namespace semblance::service {

class Engine;
class ModelRegistry;

std::unique_ptr<grpc::Service> NewSearchService(Engine* engine, CallTracker* calls);
std::unique_ptr<grpc::Service> NewEmbeddingService(Engine* engine, CallTracker* calls);
std::unique_ptr<grpc::Service> NewCatalogService(Engine* engine, CallTracker* calls);
std::unique_ptr<grpc::Service> NewAdminService(Engine* engine, CallTracker* calls);
std::unique_ptr<grpc::Service> NewModelService(ModelRegistry* models, CallTracker* calls);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_RPC_SERVICES_H_
