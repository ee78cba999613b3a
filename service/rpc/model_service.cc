#include <memory>

#include "common/error.h"
#include "common/status_macros.h"
#include "semblance/v1/model_service.grpc.pb.h"
#include "service/models/model_registry.h"
#include "service/rpc/blocking_calls.h"
#include "service/rpc/convert.h"
#include "service/rpc/services.h"

namespace semblance::service {
namespace {

constexpr int kThreads = 1;
constexpr size_t kMaxQueued = 64;

void ModelToProto(const ModelInfo& model, v1::Model* proto) {
  proto->set_name(model.name);
  proto->set_version(model.version);
  proto->set_path(model.path);
  proto->set_embedding_space_id(model.embedding_space_id);
  proto->set_dimension(model.dimension);
  proto->mutable_aliases()->Add(model.aliases.begin(), model.aliases.end());
  if (model.create_time.has_value()) {
    ToProto(*model.create_time, proto->mutable_create_time());
  }
  ToProto(model.register_time, proto->mutable_register_time());
}

class ModelServiceAdaptor final : public v1::ModelService::CallbackService {
 public:
  ModelServiceAdaptor(ModelRegistry* models, CallTracker* calls) : models_(models), calls_(calls) {}

  grpc::ServerUnaryReactor* RegisterModel(grpc::CallbackServerContext* context, const v1::RegisterModelRequest* request,
                                          v1::RegisterModelResponse* response) override {
    return RunBlocking(context, "RegisterModel", *request, [this, request, response]() -> absl::Status {
      SEMBLANCE_ASSIGN_OR_RETURN(const Registration registration, models_->Register(request->path()));
      ModelToProto(registration.model, response->mutable_model());
      response->set_created(registration.created);
      return absl::OkStatus();
    });
  }

  grpc::ServerUnaryReactor* GetModel(grpc::CallbackServerContext* context, const v1::GetModelRequest* request,
                                     v1::GetModelResponse* response) override {
    return calls_->Run(context, Method("GetModel"), *request, [&](UnaryCall* call) {
      const absl::StatusOr<ModelInfo> model = models_->Find(request->model());
      if (model.ok()) {
        ModelToProto(*model, response->mutable_model());
      }
      call->Complete(model.status());
    });
  }

  grpc::ServerUnaryReactor* ListModels(grpc::CallbackServerContext* context, const v1::ListModelsRequest* request,
                                       v1::ListModelsResponse* response) override {
    return calls_->Run(context, Method("ListModels"), *request, [&](UnaryCall* call) {
      const absl::StatusOr<std::vector<ModelInfo>> models = models_->List(request->name());
      if (models.ok()) {
        for (const ModelInfo& model : *models) {
          ModelToProto(model, response->add_models());
        }
      }
      call->Complete(models.status());
    });
  }

  grpc::ServerUnaryReactor* DeleteModel(grpc::CallbackServerContext* context, const v1::DeleteModelRequest* request,
                                        v1::DeleteModelResponse* response) override {
    return RunBlocking(context, "DeleteModel", *request, [this, request, response]() -> absl::Status {
      SEMBLANCE_ASSIGN_OR_RETURN(const ModelInfo model, models_->Delete(request->model()));
      ModelToProto(model, response->mutable_model());
      return absl::OkStatus();
    });
  }

  grpc::ServerUnaryReactor* SetModelAlias(grpc::CallbackServerContext* context, const v1::SetModelAliasRequest* request,
                                          v1::SetModelAliasResponse* response) override {
    return RunBlocking(context, "SetModelAlias", *request, [this, request, response]() -> absl::Status {
      if (request->model().empty()) {
        return models_->RemoveAlias(request->alias(), request->name());
      }
      SEMBLANCE_ASSIGN_OR_RETURN(const ModelInfo model, models_->SetAlias(request->alias(), request->model()));
      ModelToProto(model, response->mutable_model());
      return absl::OkStatus();
    });
  }

 private:
  static RpcMethod Method(absl::string_view name) { return {v1::ModelService::service_full_name(), name}; }

  // These threads read bundles and write the register.
  grpc::ServerUnaryReactor* RunBlocking(grpc::CallbackServerContext* context, absl::string_view method,
                                        const google::protobuf::Message& request, std::function<absl::Status()> work) {
    return calls_->Run(context, Method(method), request, [&](UnaryCall* call) { blocking_.Run(call, std::move(work)); });
  }

  ModelRegistry* const models_;
  CallTracker* const calls_;
  BlockingCalls blocking_{"models", kThreads, kMaxQueued};
};

}  // namespace

std::unique_ptr<grpc::Service> NewModelService(ModelRegistry* models, CallTracker* calls) {
  return std::make_unique<ModelServiceAdaptor>(models, calls);
}

}  // namespace semblance::service
