// A gRPC server in this process with one service, and a channel to it.
#ifndef SEMBLANCE_TESTS_SERVICE_RPC_RPC_FIXTURE_H_
#define SEMBLANCE_TESTS_SERVICE_RPC_RPC_FIXTURE_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "google/rpc/error_details.pb.h"
#include "gtest/gtest.h"
#include "service/rpc/metrics.h"
#include "service/rpc/unary_call.h"

namespace semblance::testing {

class NoRpcMetrics final : public service::RpcMetrics {
 public:
  void CountStarted(const service::RpcMethod& /*method*/) override {}
  void ObserveHandled(const service::RpcMethod& /*method*/, const absl::Status& /*status*/, absl::Duration /*duration*/) override {}
};

class RpcFixture {
 public:
  service::CallTracker* calls() { return &calls_; }

  // Must be called once.
  void Serve(std::unique_ptr<grpc::Service> service) {
    service_ = std::move(service);
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    channel_ = grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials());
  }

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

 private:
  NoRpcMetrics metrics_;
  service::CallTracker calls_{&metrics_, 1 << 20, absl::Seconds(60)};
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

// Returns a detail of a rich error, or nullopt when there is none of that type.
template <typename Detail>
std::optional<Detail> DetailOf(const grpc::Status& status) {
  google::rpc::Status details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  for (const auto& any : details.details()) {
    Detail detail;
    if (any.UnpackTo(&detail)) {
      return detail;
    }
  }
  return std::nullopt;
}

inline std::string ReasonOf(const grpc::Status& status) {
  const auto info = DetailOf<google::rpc::ErrorInfo>(status);
  return info.has_value() ? info->reason() : "";
}

inline std::string FieldOf(const grpc::Status& status) {
  const auto request = DetailOf<google::rpc::BadRequest>(status);
  return request.has_value() && request->field_violations_size() == 1 ? request->field_violations(0).field() : "";
}

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_SERVICE_RPC_RPC_FIXTURE_H_
