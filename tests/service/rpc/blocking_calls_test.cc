#include "service/rpc/blocking_calls.h"

#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <stop_token>
#include <utility>

#include "absl/status/statusor.h"
#include "common/threads/stop.h"
#include "semblance/v1/model_service.grpc.pb.h"
#include "tests/service/rpc/rpc_fixture.h"

namespace semblance::service {
namespace {

using ::semblance::testing::DetailOf;
using ::semblance::testing::ReasonOf;
using ::semblance::testing::RpcFixture;

// GetModel blocks until it is released. It runs on one thread, whose queue has one place. `late` gets the cancellation of the call
// of that name.
class BlockingService final : public v1::ModelService::CallbackService {
 public:
  BlockingService(CallTracker* calls, std::promise<void>* entered, std::promise<std::stop_token>* late,
                  std::shared_future<void> released)
      : calls_(calls), entered_(entered), late_(late), released_(std::move(released)) {}

  grpc::ServerUnaryReactor* GetModel(grpc::CallbackServerContext* context, const v1::GetModelRequest* request,
                                     v1::GetModelResponse* /*response*/) override {
    return calls_->Run(context, {v1::ModelService::service_full_name(), "GetModel"}, *request, [&](UnaryCall* call) {
      if (request->model() == "late") {
        late_->set_value(call->context().cancelled);
      }
      blocking_.Run(call, [this, is_first = request->model() != "second" && request->model() != "third"] {
        if (is_first) {
          entered_->set_value();
        }
        released_.wait();
        return absl::OkStatus();
      });
    });
  }

 private:
  CallTracker* const calls_;
  std::promise<void>* const entered_;
  std::promise<std::stop_token>* const late_;
  const std::shared_future<void> released_;
  BlockingCalls blocking_{"test", 1, 1};
};

class BlockingCallsTest : public ::testing::Test, protected RpcFixture {
 protected:
  BlockingCallsTest() {
    Serve(std::make_unique<BlockingService>(calls(), &entered_, &late_, released_.get_future().share()));
    stub_ = v1::ModelService::NewStub(channel());
  }

  // Sends a call. The future gets the status of its answer. `on_answer`, which may be null, is called before that.
  std::future<grpc::Status> Send(const std::string& model, grpc::ClientContext* context,
                                 std::function<void()> on_answer = nullptr) {
    return std::async(std::launch::async, [this, model, context, on_answer = std::move(on_answer)] {
      v1::GetModelRequest request;
      request.set_model(model);
      v1::GetModelResponse response;
      grpc::Status status = stub_->GetModel(context, request, &response);
      if (on_answer) {
        on_answer();
      }
      return status;
    });
  }

  std::promise<void> entered_;
  std::promise<std::stop_token> late_;
  std::promise<void> released_;

 private:
  std::unique_ptr<v1::ModelService::Stub> stub_;
};

TEST_F(BlockingCallsTest, RefusesWhatDoesNotFitTheQueueWithADelayToRetryAfter) {
  grpc::ClientContext contexts[3];
  std::future<grpc::Status> first = Send("first", &contexts[0]);
  entered_.get_future().wait();
  std::once_flag once;
  std::promise<size_t> answered;
  const auto answer = [&](size_t call) { std::call_once(once, [&answered, call] { answered.set_value(call); }); };
  std::future<grpc::Status> others[] = {Send("second", &contexts[1], [&answer] { answer(0); }),
                                        Send("third", &contexts[2], [&answer] { answer(1); })};
  // One of the two calls waits, and the other is refused at once.
  const size_t refused = answered.get_future().get();
  const grpc::Status status = others[refused].get();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonOf(status), "QUEUE_FULL");
  EXPECT_EQ(DetailOf<google::rpc::RetryInfo>(status)->retry_delay().seconds(), 1);

  released_.set_value();
  EXPECT_TRUE(first.get().ok());
  EXPECT_TRUE(others[1 - refused].get().ok());
}

TEST_F(BlockingCallsTest, DoesNotRunWhatWasCancelledBeforeItsTurn) {
  grpc::ClientContext contexts[2];
  std::future<grpc::Status> first = Send("first", &contexts[0]);
  entered_.get_future().wait();
  // If this call ran, it would set entered_ a second time, which throws.
  std::future<grpc::Status> late = Send("late", &contexts[1]);
  const std::stop_token cancelled = late_.get_future().get();
  contexts[1].TryCancel();
  EXPECT_EQ(late.get().error_code(), grpc::StatusCode::CANCELLED);
  // The client gets its answer before the server learns of the cancellation.
  WaitForStop(cancelled);
  released_.set_value();
  EXPECT_TRUE(first.get().ok());
}

}  // namespace
}  // namespace semblance::service
