#include "service/rpc/generation_service.h"

#include <optional>
#include <utility>

#include "common/error.h"
#include "common/status_macros.h"
#include "semblance/v1/generation_service.grpc.pb.h"
#include "service/rpc/blocking_calls.h"
#include "service/rpc/convert.h"
#include "service/rpc/generation_convert.h"
#include "service/rpc/watch_call.h"

namespace semblance::service {
namespace {

constexpr int kControlThreads = 2;
constexpr size_t kMaxQueued = 16;

using GenerationWatch = WatchCall<v1::WatchGenerationResponse>;

// Forwards each state of a generation to a watch. Calls come one at a time.
class WatchObserver {
 public:
  WatchObserver(std::shared_ptr<GenerationWatch> watch, bool follow) : watch_(std::move(watch)), follow_(follow) {}

  void operator()(const std::optional<GenerationInfo>& info) {
    if (!info.has_value()) {
      return watch_->End(absl::OkStatus());
    }
    const bool changed = info->state != state_ || info->reason != reason_;
    state_ = info->state;
    reason_ = info->reason;
    v1::WatchGenerationResponse response;
    ToProto(*info, response.mutable_generation());
    watch_->Send(std::move(response), changed);
    if (!follow_ && IsAtRest(*info)) {
      watch_->End(absl::OkStatus());
    }
  }

 private:
  const std::shared_ptr<GenerationWatch> watch_;
  const bool follow_;
  // The state that the last call gave.
  std::optional<GenerationState> state_;
  std::string reason_;
};

template <typename Response>
absl::Status FillActivation(const absl::StatusOr<ActivationResult>& result, Response* response) {
  if (result.ok()) {
    ToProto(result->generation, response->mutable_generation());
    response->set_previous(result->previous);
    ToProto(result->write_pause, response->mutable_write_pause());
  }
  return result.status();
}

template <typename Response>
absl::Status FillGeneration(const absl::StatusOr<GenerationInfo>& info, Response* response) {
  if (info.ok()) {
    ToProto(*info, response->mutable_generation());
  }
  return info.status();
}

absl::Status CheckExpectedActive(const std::string& id) {
  return id.empty() ? absl::OkStatus() : CheckGenerationId("expected_active", id);
}

class GenerationServiceAdaptor final : public v1::GenerationService::CallbackService {
 public:
  GenerationServiceAdaptor(GenerationController* generations, ModelResolver resolve_model, CallTracker* calls,
                           absl::Duration min_progress_interval)
      : generations_(generations),
        resolve_model_(std::move(resolve_model)),
        calls_(calls),
        min_progress_interval_(min_progress_interval) {}

  grpc::ServerUnaryReactor* CreateGeneration(grpc::CallbackServerContext* context, const v1::CreateGenerationRequest* request,
                                             v1::CreateGenerationResponse* response) override {
    return RunOnControlThread(context, "CreateGeneration", *request,
                              [this, request, response] { return Create(*request, response); });
  }

  grpc::ServerUnaryReactor* GetGeneration(grpc::CallbackServerContext* context, const v1::GetGenerationRequest* request,
                                          v1::GetGenerationResponse* response) override {
    return calls_->Run(context, Method("GetGeneration"), *request, [&](UnaryCall* call) {
      const absl::Status status = CheckGenerationId("generation", request->generation());
      call->Complete(status.ok() ? FillGeneration(generations_->Get(request->generation()), response) : status);
    });
  }

  grpc::ServerUnaryReactor* ListGenerations(grpc::CallbackServerContext* context, const v1::ListGenerationsRequest* request,
                                            v1::ListGenerationsResponse* response) override {
    return calls_->Run(context, Method("ListGenerations"), *request, [&](UnaryCall* call) {
      const absl::StatusOr<GenerationList> list = generations_->List();
      if (list.ok()) {
        ToProto(*list, response);
      }
      call->Complete(list.status());
    });
  }

  grpc::ServerWriteReactor<v1::WatchGenerationResponse>* WatchGeneration(grpc::CallbackServerContext* /*context*/,
                                                                         const v1::WatchGenerationRequest* request) override {
    const auto watch = GenerationWatch::Start(calls_, Method("WatchGeneration"), min_progress_interval_);
    if (const absl::Status status = CheckGenerationId("generation", request->generation()); !status.ok()) {
      watch->End(status);
      return watch->reactor();
    }
    const absl::StatusOr<int64_t> token = generations_->AddObserver(request->generation(), WatchObserver(watch, request->follow()));
    if (token.ok()) {
      watch->set_on_done([this, observer = *token] { generations_->RemoveObserver(observer); });
    } else {
      watch->End(token.status());
    }
    return watch->reactor();
  }

  grpc::ServerUnaryReactor* EvaluateGeneration(grpc::CallbackServerContext* context, const v1::EvaluateGenerationRequest* request,
                                               v1::EvaluateGenerationResponse* response) override {
    return RunOnControlThread(context, "EvaluateGeneration", *request, [this, request, response]() -> absl::Status {
      SEMBLANCE_RETURN_IF_ERROR(CheckGenerationId("generation", request->generation()));
      SEMBLANCE_ASSIGN_OR_RETURN(const GenerationEvaluation evaluation, generations_->Evaluate(request->generation()));
      ToProto(evaluation, response->mutable_evaluation());
      return absl::OkStatus();
    });
  }

  grpc::ServerUnaryReactor* ActivateGeneration(grpc::CallbackServerContext* context, const v1::ActivateGenerationRequest* request,
                                               v1::ActivateGenerationResponse* response) override {
    return RunOnControlThread(context, "ActivateGeneration", *request, [this, request, response]() -> absl::Status {
      SEMBLANCE_RETURN_IF_ERROR(CheckGenerationId("generation", request->generation()));
      SEMBLANCE_RETURN_IF_ERROR(CheckExpectedActive(request->expected_active()));
      return FillActivation(generations_->Activate(request->generation(), request->expected_active(), request->validate_only()),
                            response);
    });
  }

  grpc::ServerUnaryReactor* RollbackGeneration(grpc::CallbackServerContext* context, const v1::RollbackGenerationRequest* request,
                                               v1::RollbackGenerationResponse* response) override {
    return RunOnControlThread(context, "RollbackGeneration", *request, [this, request, response]() -> absl::Status {
      SEMBLANCE_RETURN_IF_ERROR(CheckExpectedActive(request->expected_active()));
      return FillActivation(generations_->Rollback(request->expected_active()), response);
    });
  }

  grpc::ServerUnaryReactor* CancelGeneration(grpc::CallbackServerContext* context, const v1::CancelGenerationRequest* request,
                                             v1::CancelGenerationResponse* response) override {
    return RunOnControlThread(context, "CancelGeneration", *request, [this, request, response]() -> absl::Status {
      SEMBLANCE_RETURN_IF_ERROR(CheckGenerationId("generation", request->generation()));
      return FillGeneration(generations_->Cancel(request->generation()), response);
    });
  }

  grpc::ServerUnaryReactor* DeleteGeneration(grpc::CallbackServerContext* context, const v1::DeleteGenerationRequest* request,
                                             v1::DeleteGenerationResponse* /*response*/) override {
    return RunOnControlThread(context, "DeleteGeneration", *request, [this, request]() -> absl::Status {
      SEMBLANCE_RETURN_IF_ERROR(CheckGenerationId("generation", request->generation()));
      return generations_->Delete(request->generation());
    });
  }

  grpc::ServerUnaryReactor* SetGenerationTraffic(grpc::CallbackServerContext* context,
                                                 const v1::SetGenerationTrafficRequest* request,
                                                 v1::SetGenerationTrafficResponse* response) override {
    return RunOnControlThread(context, "SetGenerationTraffic", *request, [this, request, response]() -> absl::Status {
      SEMBLANCE_RETURN_IF_ERROR(CheckGenerationId("generation", request->generation()));
      return FillGeneration(generations_->SetTraffic(request->generation(), FromProto(request->traffic())), response);
    });
  }

 private:
  static RpcMethod Method(absl::string_view name) { return {v1::GenerationService::service_full_name(), name}; }

  absl::Status Create(const v1::CreateGenerationRequest& request, v1::CreateGenerationResponse* response) {
    if (request.model().empty()) {
      return InvalidField("model", v1::ERROR_REASON_INVALID_MODEL_NAME, "model is empty; it must name one, such as shoes/3");
    }
    SEMBLANCE_ASSIGN_OR_RETURN(GenerationSpec spec, FromProto(request));
    const absl::StatusOr<ResolvedModel> model = resolve_model_(request.model());
    if (!model.ok()) {
      return model.status();
    }
    spec.bundle_dir = model->bundle_dir;
    spec.model_version = model->version;
    return FillGeneration(generations_->Create(spec), response);
  }

  grpc::ServerUnaryReactor* RunOnControlThread(grpc::CallbackServerContext* context, absl::string_view method,
                                               const google::protobuf::Message& request, std::function<absl::Status()> work) {
    return calls_->Run(context, Method(method), request, [&](UnaryCall* call) { control_.Run(call, std::move(work)); });
  }

  GenerationController* const generations_;
  const ModelResolver resolve_model_;
  CallTracker* const calls_;
  const absl::Duration min_progress_interval_;
  BlockingCalls control_{"control", kControlThreads, kMaxQueued};
};

}  // namespace

std::unique_ptr<grpc::Service> NewGenerationService(GenerationController* generations, ModelResolver resolve_model,
                                                    CallTracker* calls, absl::Duration min_progress_interval) {
  return std::make_unique<GenerationServiceAdaptor>(generations, std::move(resolve_model), calls, min_progress_interval);
}

}  // namespace semblance::service
