#include "service/rpc/unary_call.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "common/error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "semblance/v1/model_service.grpc.pb.h"
#include "tests/service/rpc/rpc_fixture.h"

namespace semblance::service {
namespace {

using ::semblance::testing::FieldOf;
using ::semblance::testing::ReasonOf;
using ::semblance::testing::RpcFixture;

// GetModel does what the test says.
class ScriptedService final : public v1::ModelService::CallbackService {
 public:
  using Body = std::function<void(UnaryCall*)>;

  ScriptedService(CallTracker* calls, Body* body) : calls_(calls), body_(body) {}

  grpc::ServerUnaryReactor* GetModel(grpc::CallbackServerContext* context, const v1::GetModelRequest* request,
                                     v1::GetModelResponse* /*response*/) override {
    return calls_->Run(context, {v1::ModelService::service_full_name(), "GetModel"}, *request,
                       [this](UnaryCall* call) { (*body_)(call); });
  }

 private:
  CallTracker* const calls_;
  Body* const body_;
};

class UnaryCallTest : public ::testing::Test, protected RpcFixture {
 protected:
  UnaryCallTest() {
    Serve(std::make_unique<ScriptedService>(calls(), &body_));
    stub_ = v1::ModelService::NewStub(channel());
  }

  grpc::Status Send(grpc::ClientContext* context, const std::string& model = "shoes") {
    v1::GetModelRequest request;
    request.set_model(model);
    v1::GetModelResponse response;
    return stub_->GetModel(context, request, &response);
  }

  ScriptedService::Body body_ = [](UnaryCall* call) { call->Complete(absl::OkStatus()); };

 private:
  std::unique_ptr<v1::ModelService::Stub> stub_;
};

TEST_F(UnaryCallTest, EndsWithTheStatusOfComplete) {
  body_ = [](UnaryCall* call) { call->Complete(absl::NotFoundError("no shoes")); };
  EXPECT_EQ(calls()->last_arrival(), absl::UnixEpoch());
  const absl::Time before = absl::Now();
  grpc::ClientContext context;
  const grpc::Status status = Send(&context);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(status.error_message(), "no shoes");
  EXPECT_GE(calls()->last_arrival(), before);
}

TEST_F(UnaryCallTest, HasTheDeadlineOfTheClient) {
  absl::Time deadline;
  body_ = [&](UnaryCall* call) {
    deadline = call->context().deadline;
    call->Complete(absl::OkStatus());
  };
  grpc::ClientContext context;
  const absl::Time wanted = absl::Now() + absl::Minutes(20);
  context.set_deadline(absl::ToChronoTime(wanted));
  ASSERT_TRUE(Send(&context).ok());
  // The deadline is sent as the time that is left, so the time of the transport shifts it.
  EXPECT_LT(absl::AbsDuration(deadline - wanted), absl::Minutes(5));
}

TEST_F(UnaryCallTest, GetsTheDefaultDeadlineIfTheClientSetsNone) {
  absl::Duration left;
  body_ = [&](UnaryCall* call) {
    left = call->context().deadline - call->context().start;
    call->Complete(absl::OkStatus());
  };
  grpc::ClientContext context;
  ASSERT_TRUE(Send(&context).ok());
  EXPECT_LE(left, absl::Seconds(60));
  EXPECT_GT(left, absl::Seconds(30));
}

TEST_F(UnaryCallTest, ARequestAboveTheLimitIsRefusedBeforeItsBody) {
  bool has_run = false;
  body_ = [&](UnaryCall* call) {
    has_run = true;
    call->Complete(absl::OkStatus());
  };
  grpc::ClientContext context;
  const grpc::Status status = Send(&context, std::string(2 << 20, 'x'));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ReasonOf(status), "LIMIT_EXCEEDED");
  EXPECT_EQ(FieldOf(status), "request");
  EXPECT_FALSE(has_run);
}

// Records how the call ended.
class RecordingStream final : public OpenStream {
 public:
  void End(const absl::Status& status) override { ends_.push_back(status); }
  const std::vector<absl::Status>& ends() const { return ends_; }

 private:
  std::vector<absl::Status> ends_;
};

TEST_F(UnaryCallTest, StreamsEndWithDrainingAlsoThoseThatComeLater) {
  const auto early = std::make_shared<RecordingStream>();
  const auto removed = std::make_shared<RecordingStream>();
  const auto late = std::make_shared<RecordingStream>();
  calls()->AddStream(early);
  calls()->AddStream(removed);
  calls()->RemoveStream(removed);
  calls()->EndStreams();
  calls()->AddStream(late);
  ASSERT_EQ(early->ends().size(), 1u);
  ASSERT_EQ(late->ends().size(), 1u);
  EXPECT_EQ(removed->ends().size(), 0u);
  EXPECT_TRUE(absl::IsUnavailable(early->ends().front()));
  EXPECT_TRUE(absl::IsUnavailable(late->ends().front()));
  calls()->RemoveStream(early);
  calls()->RemoveStream(late);
}

}  // namespace
}  // namespace semblance::service
