// An engine with a fake model, and one of its services on a gRPC server of this process.
#ifndef SEMBLANCE_TESTS_SERVICE_RPC_ENGINE_SERVICE_FIXTURE_H_
#define SEMBLANCE_TESTS_SERVICE_RPC_ENGINE_SERVICE_FIXTURE_H_

#include <memory>
#include <string>

#include "service/rpc/services.h"
#include "tests/service/engine/engine_fixture.h"
#include "tests/service/rpc/rpc_fixture.h"

namespace semblance::testing {

template <typename Service>
class EngineServiceFixture : public EngineFixture, public RpcFixture {
 public:
  // Starts the engine, and then serves the service that `new_service` (service/rpc/services.h) makes.
  explicit EngineServiceFixture(std::unique_ptr<grpc::Service> (*new_service)(service::Engine*, service::CallTracker*)) {
    EXPECT_OK(Start("model"));
    Serve(new_service(&engine(), calls()));
    stub_ = Service::NewStub(channel());
  }

  // Calls a method of the stub without a deadline.
  template <typename Method, typename Request, typename Response>
  grpc::Status Call(Method method, const Request& request, Response* response) {
    grpc::ClientContext context;
    return (stub_.get()->*method)(&context, request, response);
  }

 private:
  std::unique_ptr<typename Service::Stub> stub_;
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_SERVICE_RPC_ENGINE_SERVICE_FIXTURE_H_
