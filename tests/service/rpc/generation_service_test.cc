#include "service/rpc/generation_service.h"

#include <atomic>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/rpc/generation_server.h"
#include "tests/testing/status_matchers.h"

namespace semblance::service {
namespace {

using ::semblance::testing::ErrorOf;
using ::semblance::testing::GenerationOf;
using ::semblance::testing::GenerationServer;
using ::semblance::testing::RpcError;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Calls a method that takes only the id of a generation.
template <typename Request, typename Response>
grpc::Status CallById(GenerationServer& server, const std::string& id, Response* response,
                      grpc::Status (GenerationServer::Stub::*method)(grpc::ClientContext*, const Request&, Response*)) {
  Request request;
  request.set_generation(id);
  grpc::ClientContext context;
  return (server.stub.get()->*method)(&context, request, response);
}

TEST(GenerationServiceTest, CreatesOfTheBundleThatTheModelResolvesTo) {
  GenerationServer server;
  v1::CreateGenerationRequest request;
  request.set_model("shoes");
  request.set_index_factory("Flat");
  request.set_request_id("once");
  v1::CreateGenerationResponse response;
  grpc::ClientContext context;
  ASSERT_TRUE(server.stub->CreateGeneration(&context, request, &response).ok());
  EXPECT_EQ(response.generation().id(), "gen-000007");
  const GenerationSpec spec = server.generations.last_spec();
  EXPECT_EQ(spec.bundle_dir, "/models/shoes");
  EXPECT_EQ(spec.model_version, 3);
  EXPECT_EQ(spec.index_factory, "Flat");
  EXPECT_EQ(spec.request_id, "once");
}

TEST(GenerationServiceTest, RefusesToCreateWhatIsNotAsked) {
  GenerationServer server;
  const auto refusal = [&server](const std::string& model, double min_recall) {
    v1::CreateGenerationRequest request;
    request.set_model(model);
    request.mutable_gates()->set_min_index_recall(min_recall);
    v1::CreateGenerationResponse response;
    grpc::ClientContext context;
    return ErrorOf(server.stub->CreateGeneration(&context, request, &response));
  };
  EXPECT_EQ(refusal("", 1), (RpcError{grpc::StatusCode::INVALID_ARGUMENT, "INVALID_MODEL_NAME", "model"}));
  EXPECT_EQ(refusal("missing", 1), (RpcError{grpc::StatusCode::NOT_FOUND, "MODEL_NOT_FOUND"}));
  EXPECT_EQ(refusal("shoes", 2), (RpcError{grpc::StatusCode::INVALID_ARGUMENT, "CONFIG_INVALID", "gates.min_index_recall"}));
  EXPECT_THAT(server.generations.calls(), IsEmpty());
}

TEST(GenerationServiceTest, GetsAndListsWhatThereIs) {
  GenerationServer server;
  server.generations.Set(GenerationOf("gen-000001", GenerationState::kStandby));
  server.generations.Set(GenerationOf("gen-000002", GenerationState::kActive));
  v1::GetGenerationResponse got;
  ASSERT_TRUE(CallById(server, "gen-000002", &got, &GenerationServer::Stub::GetGeneration).ok());
  EXPECT_EQ(got.generation().state(), v1::GENERATION_STATE_ACTIVE);
  EXPECT_EQ(ErrorOf(CallById(server, "gen-000009", &got, &GenerationServer::Stub::GetGeneration)),
            (RpcError{grpc::StatusCode::NOT_FOUND, "GENERATION_NOT_FOUND"}));
  v1::ListGenerationsResponse list;
  grpc::ClientContext context;
  ASSERT_TRUE(server.stub->ListGenerations(&context, v1::ListGenerationsRequest(), &list).ok());
  ASSERT_EQ(list.generations_size(), 2);
  EXPECT_EQ(list.generations(0).id(), "gen-000002");
  EXPECT_EQ(list.active(), "gen-000002");
  EXPECT_EQ(list.previous(), "gen-000001");
}

TEST(GenerationServiceTest, ActivatesOrOnlySaysWhetherItWould) {
  GenerationServer server;
  v1::ActivateGenerationRequest request;
  request.set_generation("gen-000002");
  request.set_expected_active("gen-000001");
  v1::ActivateGenerationResponse response;
  grpc::ClientContext context;
  ASSERT_TRUE(server.stub->ActivateGeneration(&context, request, &response).ok());
  EXPECT_EQ(response.generation().state(), v1::GENERATION_STATE_ACTIVE);
  EXPECT_EQ(response.previous(), "gen-000001");
  EXPECT_EQ(response.write_pause().nanos(), 12'000'000);
  request.clear_expected_active();
  request.set_validate_only(true);
  grpc::ClientContext validation;
  ASSERT_TRUE(server.stub->ActivateGeneration(&validation, request, &response).ok());
  EXPECT_THAT(server.generations.calls(),
              ElementsAre("activate gen-000002, expected gen-000001", "validate gen-000002, expected "));
}

TEST(GenerationServiceTest, RollsBack) {
  GenerationServer server;
  v1::RollbackGenerationRequest request;
  request.set_expected_active("gen-000002");
  v1::RollbackGenerationResponse response;
  grpc::ClientContext context;
  ASSERT_TRUE(server.stub->RollbackGeneration(&context, request, &response).ok());
  EXPECT_EQ(response.generation().id(), "gen-000001");
  EXPECT_EQ(response.previous(), "gen-000002");
  EXPECT_EQ(response.write_pause().nanos(), 3'000'000);
  EXPECT_THAT(server.generations.calls(), ElementsAre("rollback, expected gen-000002"));
}

TEST(GenerationServiceTest, EvaluatesCancelsAndDeletes) {
  GenerationServer server;
  v1::EvaluateGenerationResponse evaluated;
  ASSERT_TRUE(CallById(server, "gen-000002", &evaluated, &GenerationServer::Stub::EvaluateGeneration).ok());
  EXPECT_EQ(evaluated.evaluation().index_recall(), 0.97);
  v1::CancelGenerationResponse cancelled;
  ASSERT_TRUE(CallById(server, "gen-000002", &cancelled, &GenerationServer::Stub::CancelGeneration).ok());
  EXPECT_EQ(cancelled.generation().state(), v1::GENERATION_STATE_CANCELLED);
  v1::DeleteGenerationResponse deleted;
  ASSERT_TRUE(CallById(server, "gen-000002", &deleted, &GenerationServer::Stub::DeleteGeneration).ok());
  EXPECT_THAT(server.generations.calls(), ElementsAre("evaluate gen-000002", "cancel gen-000002", "delete gen-000002"));
}

TEST(GenerationServiceTest, SetsTheSharesOfTraffic) {
  GenerationServer server;
  v1::SetGenerationTrafficRequest request;
  request.set_generation("gen-000002");
  request.mutable_traffic()->set_canary_share(0.25);
  request.mutable_traffic()->set_shadow_share(0.5);
  v1::SetGenerationTrafficResponse response;
  grpc::ClientContext context;
  ASSERT_TRUE(server.stub->SetGenerationTraffic(&context, request, &response).ok());
  EXPECT_EQ(response.generation().traffic().canary_share(), 0.25);
  request.mutable_traffic()->set_shadow_share(1.5);
  grpc::ClientContext second;
  EXPECT_EQ(ErrorOf(server.stub->SetGenerationTraffic(&second, request, &response)),
            (RpcError{grpc::StatusCode::INVALID_ARGUMENT, "CONFIG_INVALID", "traffic.shadow_share"}));
  EXPECT_THAT(server.generations.calls(), ElementsAre("traffic gen-000002 0.25 0.5"));
}

TEST(GenerationServiceTest, ErrorsOfTheControllerReachTheClientWithReasonAndDelay) {
  GenerationServer server;
  server.generations.FailWith(WithRetryDelay(
      Error(absl::StatusCode::kUnavailable, v1::ERROR_REASON_GENERATION_LAGGING, "it lacks 7 writes"), absl::Seconds(2)));
  const RpcError lagging{grpc::StatusCode::UNAVAILABLE, "GENERATION_LAGGING", "", true};
  v1::ActivateGenerationResponse activated;
  EXPECT_EQ(ErrorOf(CallById(server, "gen-000002", &activated, &GenerationServer::Stub::ActivateGeneration)), lagging);
  v1::EvaluateGenerationResponse evaluated;
  EXPECT_EQ(ErrorOf(CallById(server, "gen-000002", &evaluated, &GenerationServer::Stub::EvaluateGeneration)), lagging);
  v1::CancelGenerationResponse cancelled;
  EXPECT_EQ(ErrorOf(CallById(server, "gen-000002", &cancelled, &GenerationServer::Stub::CancelGeneration)), lagging);
  v1::DeleteGenerationResponse deleted;
  EXPECT_EQ(ErrorOf(CallById(server, "gen-000002", &deleted, &GenerationServer::Stub::DeleteGeneration)), lagging);
  v1::SetGenerationTrafficResponse traffic;
  EXPECT_EQ(ErrorOf(CallById(server, "gen-000002", &traffic, &GenerationServer::Stub::SetGenerationTraffic)), lagging);
  v1::RollbackGenerationResponse rolled_back;
  grpc::ClientContext context;
  EXPECT_EQ(ErrorOf(server.stub->RollbackGeneration(&context, v1::RollbackGenerationRequest(), &rolled_back)), lagging);
}

TEST(GenerationServiceTest, RefusesIdsByFieldBeforeTheControllerSeesThem) {
  GenerationServer server;
  const RpcError refusal{grpc::StatusCode::INVALID_ARGUMENT, "INVALID_ID", "generation"};
  v1::GetGenerationResponse got;
  EXPECT_EQ(ErrorOf(CallById(server, "", &got, &GenerationServer::Stub::GetGeneration)), refusal);
  v1::EvaluateGenerationResponse evaluated;
  EXPECT_EQ(ErrorOf(CallById(server, "", &evaluated, &GenerationServer::Stub::EvaluateGeneration)), refusal);
  v1::ActivateGenerationResponse activated;
  EXPECT_EQ(ErrorOf(CallById(server, "", &activated, &GenerationServer::Stub::ActivateGeneration)), refusal);
  v1::CancelGenerationResponse cancelled;
  EXPECT_EQ(ErrorOf(CallById(server, "", &cancelled, &GenerationServer::Stub::CancelGeneration)), refusal);
  v1::DeleteGenerationResponse deleted;
  EXPECT_EQ(ErrorOf(CallById(server, "", &deleted, &GenerationServer::Stub::DeleteGeneration)), refusal);
  v1::SetGenerationTrafficResponse traffic;
  EXPECT_EQ(ErrorOf(CallById(server, "", &traffic, &GenerationServer::Stub::SetGenerationTraffic)), refusal);
  v1::RollbackGenerationRequest rollback;
  rollback.set_expected_active(std::string(129, 'g'));
  v1::RollbackGenerationResponse rolled_back;
  grpc::ClientContext context;
  EXPECT_EQ(ErrorOf(server.stub->RollbackGeneration(&context, rollback, &rolled_back)),
            (RpcError{grpc::StatusCode::INVALID_ARGUMENT, "INVALID_ID", "expected_active"}));
  EXPECT_THAT(server.generations.calls(), IsEmpty());
}

TEST(GenerationServiceTest, RefusesWhatWouldWaitTooLongAndStillAnswersReads) {
  GenerationServer server;
  server.generations.Set(GenerationOf("gen-000001", GenerationState::kActive));
  server.generations.Hold(true);
  std::atomic<int> done = 0;
  std::atomic<int> refused = 0;
  std::counting_semaphore<> refusals(0);
  std::vector<std::thread> clients;
  const auto evaluate = [&] {
    v1::EvaluateGenerationResponse response;
    const grpc::Status status = CallById(server, "gen-000001", &response, &GenerationServer::Stub::EvaluateGeneration);
    if (status.ok()) {
      ++done;
    } else if (ErrorOf(status) == RpcError{grpc::StatusCode::RESOURCE_EXHAUSTED, "QUEUE_FULL", "", true}) {
      ++refused;
      refusals.release();
    }
  };
  // Two calls occupy the threads, and sixteen of the next twenty wait.
  for (int i = 0; i < 2; ++i) {
    clients.emplace_back(evaluate);
  }
  server.generations.AwaitHeld(2);
  for (int i = 0; i < 20; ++i) {
    clients.emplace_back(evaluate);
  }
  for (int i = 0; i < 4; ++i) {
    refusals.acquire();
  }
  v1::GetGenerationResponse got;
  EXPECT_TRUE(CallById(server, "gen-000001", &got, &GenerationServer::Stub::GetGeneration).ok());
  server.generations.Hold(false);
  for (std::thread& client : clients) {
    client.join();
  }
  EXPECT_EQ(done, 18);
  EXPECT_EQ(refused, 4);
}

TEST(GenerationServiceTest, WorkWhoseTimeIsOverBeforeItsTurnIsNotDone) {
  // A call without a deadline counts as late from the start.
  GenerationServer server(absl::ZeroDuration(), -absl::Seconds(1));
  v1::RollbackGenerationResponse response;
  grpc::ClientContext context;
  EXPECT_EQ(server.stub->RollbackGeneration(&context, v1::RollbackGenerationRequest(), &response).error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_THAT(server.generations.calls(), IsEmpty());
  EXPECT_EQ(server.metrics.handled, 1);
}

}  // namespace
}  // namespace semblance::service
