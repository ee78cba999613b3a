// GenerationService on a real server and channel in this process, over a fake controller.
#ifndef SEMBLANCE_TESTS_SERVICE_RPC_GENERATION_SERVER_H_
#define SEMBLANCE_TESTS_SERVICE_RPC_GENERATION_SERVER_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/error.h"
#include "common/threads/mutex.h"
#include "google/rpc/error_details.pb.h"
#include "semblance/v1/generation_service.grpc.pb.h"
#include "service/rpc/generation_service.h"
#include "tests/service/generations/fake_generation_controller.h"

namespace semblance::testing {

// Counts calls, so that tests can check that every started call was handled once.
class CountingRpcMetrics final : public service::RpcMetrics {
 public:
  void CountStarted(const service::RpcMethod& /*method*/) override { ++started; }
  void ObserveHandled(const service::RpcMethod& /*method*/, const absl::Status& status, absl::Duration /*duration*/) override {
    ++handled;
    MutexLock lock(&mutex_);
    last_ = status;
  }
  absl::Status last() const {
    MutexLock lock(&mutex_);
    return last_;
  }

  std::atomic<int> started = 0;
  std::atomic<int> handled = 0;

 private:
  mutable Mutex mutex_;
  absl::Status last_ SEMBLANCE_GUARDED_BY(mutex_);
};

// The parts of an error that a client can see.
struct RpcError {
  grpc::StatusCode code = grpc::StatusCode::OK;
  std::string reason = {};
  std::string field = {};
  bool has_retry_delay = false;

  friend bool operator==(const RpcError&, const RpcError&) = default;
};

inline RpcError ErrorOf(const grpc::Status& status) {
  RpcError error{.code = status.error_code()};
  google::rpc::Status details;
  details.ParseFromString(status.error_details());
  for (const google::protobuf::Any& detail : details.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::BadRequest bad_request;
    if (detail.UnpackTo(&info)) {
      error.reason = info.reason();
    } else if (detail.UnpackTo(&bad_request)) {
      error.field = bad_request.field_violations(0).field();
    }
    error.has_retry_delay = error.has_retry_delay || detail.Is<google::rpc::RetryInfo>();
  }
  return error;
}

class GenerationServer {
 public:
  using Stub = v1::GenerationService::Stub;

  // The bundles of the models lie in /models. There is no model "missing".
  explicit GenerationServer(absl::Duration min_progress_interval = absl::ZeroDuration(),
                            absl::Duration default_deadline = absl::Minutes(1))
      : tracker_(&metrics, 1 << 20, default_deadline) {
    service_ = service::NewGenerationService(&generations, Resolve, &tracker_, min_progress_interval);
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    // The window is small and does not grow, so that a large message waits until the client reads.
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
    arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 1 << 14);
    channel_ = grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials(), arguments);
    stub = v1::GenerationService::NewStub(channel_);
  }

  ~GenerationServer() { Shutdown(absl::Seconds(30)); }

  // Shuts down as RpcServer does. Returns how long it took.
  absl::Duration Shutdown(absl::Duration grace) {
    const absl::Time start = absl::Now();
    if (server_ != nullptr) {
      tracker_.EndStreams();
      server_->Shutdown(absl::ToChronoTime(start + grace));
      server_->Wait();
      server_.reset();
    }
    return absl::Now() - start;
  }

  service::CallTracker& tracker() { return tracker_; }

  FakeGenerationController generations;
  CountingRpcMetrics metrics;
  std::unique_ptr<Stub> stub;

 private:
  static absl::StatusOr<service::ResolvedModel> Resolve(const std::string& name) {
    if (name == "missing") {
      return Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_MODEL_NOT_FOUND, "there is no model missing");
    }
    return service::ResolvedModel{.bundle_dir = absl::StrCat("/models/", name), .version = 3};
  }

  service::CallTracker tracker_;
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_SERVICE_RPC_GENERATION_SERVER_H_
