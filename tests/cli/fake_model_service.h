// A ModelService that gives the answers that the test sets.
#ifndef SEMBLANCE_TESTS_CLI_FAKE_MODEL_SERVICE_H_
#define SEMBLANCE_TESTS_CLI_FAKE_MODEL_SERVICE_H_

#include "semblance/v1/model_service.grpc.pb.h"
#include "tests/cli/fake_method.h"

namespace semblance::testing {

class FakeModelService : public v1::ModelService::Service {
 public:
  FakeMethod<v1::RegisterModelRequest, v1::RegisterModelResponse> register_model;
  FakeMethod<v1::GetModelRequest, v1::GetModelResponse> get_model;
  FakeMethod<v1::ListModelsRequest, v1::ListModelsResponse> list_models;
  FakeMethod<v1::DeleteModelRequest, v1::DeleteModelResponse> delete_model;
  FakeMethod<v1::SetModelAliasRequest, v1::SetModelAliasResponse> set_model_alias;

  grpc::Status RegisterModel(grpc::ServerContext*, const v1::RegisterModelRequest* request,
                             v1::RegisterModelResponse* response) override {
    return register_model.Call(*request, response);
  }

  grpc::Status GetModel(grpc::ServerContext*, const v1::GetModelRequest* request, v1::GetModelResponse* response) override {
    return get_model.Call(*request, response);
  }

  grpc::Status ListModels(grpc::ServerContext*, const v1::ListModelsRequest* request, v1::ListModelsResponse* response) override {
    return list_models.Call(*request, response);
  }

  grpc::Status DeleteModel(grpc::ServerContext*, const v1::DeleteModelRequest* request,
                           v1::DeleteModelResponse* response) override {
    return delete_model.Call(*request, response);
  }

  grpc::Status SetModelAlias(grpc::ServerContext*, const v1::SetModelAliasRequest* request,
                             v1::SetModelAliasResponse* response) override {
    return set_model_alias.Call(*request, response);
  }
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_CLI_FAKE_MODEL_SERVICE_H_
