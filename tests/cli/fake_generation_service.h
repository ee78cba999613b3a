// A GenerationService that gives the answers that the test sets.
#ifndef SEMBLANCE_TESTS_CLI_FAKE_GENERATION_SERVICE_H_
#define SEMBLANCE_TESTS_CLI_FAKE_GENERATION_SERVICE_H_

#include <functional>

#include "semblance/v1/generation_service.grpc.pb.h"
#include "tests/cli/fake_method.h"

namespace semblance::testing {

class FakeGenerationService : public v1::GenerationService::Service {
 public:
  FakeMethod<v1::CreateGenerationRequest, v1::CreateGenerationResponse> create;
  FakeMethod<v1::GetGenerationRequest, v1::GetGenerationResponse> get;
  FakeMethod<v1::EvaluateGenerationRequest, v1::EvaluateGenerationResponse> evaluate;
  FakeMethod<v1::ActivateGenerationRequest, v1::ActivateGenerationResponse> activate;
  FakeMethod<v1::RollbackGenerationRequest, v1::RollbackGenerationResponse> rollback;
  FakeMethod<v1::CancelGenerationRequest, v1::CancelGenerationResponse> cancel;
  FakeMethod<v1::DeleteGenerationRequest, v1::DeleteGenerationResponse> delete_generation;
  FakeMethod<v1::ListGenerationsRequest, v1::ListGenerationsResponse> list;
  FakeMethod<v1::SetGenerationTrafficRequest, v1::SetGenerationTrafficResponse> set_traffic;
  // Writes the messages of the stream. Its status ends the stream.
  std::function<grpc::Status(const v1::WatchGenerationRequest&, grpc::ServerWriter<v1::WatchGenerationResponse>&)> watch =
      [](const auto&, auto&) { return grpc::Status::OK; };

  grpc::Status CreateGeneration(grpc::ServerContext*, const v1::CreateGenerationRequest* request,
                                v1::CreateGenerationResponse* response) override {
    return create.Call(*request, response);
  }

  grpc::Status GetGeneration(grpc::ServerContext*, const v1::GetGenerationRequest* request,
                             v1::GetGenerationResponse* response) override {
    return get.Call(*request, response);
  }

  grpc::Status EvaluateGeneration(grpc::ServerContext*, const v1::EvaluateGenerationRequest* request,
                                  v1::EvaluateGenerationResponse* response) override {
    return evaluate.Call(*request, response);
  }

  grpc::Status ActivateGeneration(grpc::ServerContext*, const v1::ActivateGenerationRequest* request,
                                  v1::ActivateGenerationResponse* response) override {
    return activate.Call(*request, response);
  }

  grpc::Status RollbackGeneration(grpc::ServerContext*, const v1::RollbackGenerationRequest* request,
                                  v1::RollbackGenerationResponse* response) override {
    return rollback.Call(*request, response);
  }

  grpc::Status CancelGeneration(grpc::ServerContext*, const v1::CancelGenerationRequest* request,
                                v1::CancelGenerationResponse* response) override {
    return cancel.Call(*request, response);
  }

  grpc::Status DeleteGeneration(grpc::ServerContext*, const v1::DeleteGenerationRequest* request,
                                v1::DeleteGenerationResponse* response) override {
    return delete_generation.Call(*request, response);
  }

  grpc::Status ListGenerations(grpc::ServerContext*, const v1::ListGenerationsRequest* request,
                               v1::ListGenerationsResponse* response) override {
    return list.Call(*request, response);
  }

  grpc::Status SetGenerationTraffic(grpc::ServerContext*, const v1::SetGenerationTrafficRequest* request,
                                    v1::SetGenerationTrafficResponse* response) override {
    return set_traffic.Call(*request, response);
  }

  grpc::Status WatchGeneration(grpc::ServerContext*, const v1::WatchGenerationRequest* request,
                               grpc::ServerWriter<v1::WatchGenerationResponse>* writer) override {
    return watch(*request, *writer);
  }
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_CLI_FAKE_GENERATION_SERVICE_H_
