#include "tests/integration/generation_client.h"

#include "gtest/gtest.h"

namespace semblance::testing {

GenerationClient::GenerationClient(const std::shared_ptr<grpc::Channel>& channel)
    : models_(v1::ModelService::NewStub(channel)), generations_(v1::GenerationService::NewStub(channel)) {}

RichError GenerationClient::TryRegister(const std::string& path, v1::Model* model) const {
  v1::RegisterModelRequest request;
  request.set_path(path);
  v1::RegisterModelResponse response;
  grpc::ClientContext context;
  const grpc::Status status = models_->RegisterModel(&context, request, &response);
  if (model != nullptr) {
    *model = response.model();
  }
  return Describe(status);
}

std::string GenerationClient::Create(const std::string& model, v1::ActivationPolicy policy) const {
  v1::CreateGenerationRequest request;
  request.set_model(model);
  request.set_activation_policy(policy);
  v1::CreateGenerationResponse response;
  grpc::ClientContext context;
  const RichError error = Describe(generations_->CreateGeneration(&context, request, &response));
  EXPECT_TRUE(error.ok()) << error;
  return response.generation().id();
}

v1::Generation GenerationClient::Get(const std::string& id) const {
  v1::GetGenerationRequest request;
  request.set_generation(id);
  v1::GetGenerationResponse response;
  grpc::ClientContext context;
  const RichError error = Describe(generations_->GetGeneration(&context, request, &response));
  EXPECT_TRUE(error.ok()) << error;
  return response.generation();
}

v1::ListGenerationsResponse GenerationClient::List() const {
  v1::ListGenerationsResponse response;
  grpc::ClientContext context;
  const RichError error = Describe(generations_->ListGenerations(&context, {}, &response));
  EXPECT_TRUE(error.ok()) << error;
  return response;
}

v1::Generation GenerationClient::WatchUntil(const std::string& id, const std::function<bool(const v1::Generation&)>& enough) const {
  v1::WatchGenerationRequest request;
  request.set_generation(id);
  grpc::ClientContext context;
  const auto stream = generations_->WatchGeneration(&context, request);
  v1::WatchGenerationResponse response;
  v1::Generation last;
  while (stream->Read(&response)) {
    last = response.generation();
    if (enough(last)) {
      context.TryCancel();
      break;
    }
  }
  stream->Finish();  // Cancelled by us, or the caller sees by the state that it ended early.
  return last;
}

v1::Generation GenerationClient::WatchUntilAtRest(const std::string& id) const {
  return WatchUntil(id, [](const v1::Generation&) { return false; });
}

v1::Generation GenerationClient::WatchUntilState(const std::string& id, v1::GenerationState state) const {
  return WatchUntil(id, [state](const v1::Generation& generation) { return generation.state() >= state; });
}

RichError GenerationClient::Activate(const std::string& id, const std::string& expected_active,
                                     v1::ActivateGenerationResponse* response) const {
  v1::ActivateGenerationRequest request;
  request.set_generation(id);
  request.set_expected_active(expected_active);
  v1::ActivateGenerationResponse ignored;
  grpc::ClientContext context;
  return Describe(generations_->ActivateGeneration(&context, request, response == nullptr ? &ignored : response));
}

RichError GenerationClient::Rollback(const std::string& expected_active) const {
  v1::RollbackGenerationRequest request;
  request.set_expected_active(expected_active);
  v1::RollbackGenerationResponse response;
  grpc::ClientContext context;
  return Describe(generations_->RollbackGeneration(&context, request, &response));
}

RichError GenerationClient::Cancel(const std::string& id) const {
  v1::CancelGenerationRequest request;
  request.set_generation(id);
  v1::CancelGenerationResponse response;
  grpc::ClientContext context;
  return Describe(generations_->CancelGeneration(&context, request, &response));
}

}  // namespace semblance::testing
