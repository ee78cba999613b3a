#include "service/rpc/server.h"

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "semblance/v1/admin_service.grpc.pb.h"
#include "semblance/v1/model_service.grpc.pb.h"
#include "tests/service/engine/engine_fixture.h"
#include "tests/service/rpc/rpc_fixture.h"
#include "tests/testing/grpc_health.h"

namespace semblance::service {
namespace {

using ::semblance::testing::EngineFixture;
using ::semblance::testing::HealthOf;
using ::semblance::testing::NoRpcMetrics;

constexpr int kServing = 1;
constexpr int kNotServing = 2;

class RpcServerTest : public ::testing::Test, protected EngineFixture {
 protected:
  RpcServerTest() { EXPECT_OK(Start("model")); }

  absl::StatusOr<std::unique_ptr<RpcServer>> Listen(const std::string& address) {
    return StartRpcServer(address, {.engine = &engine()}, &metrics_);
  }

  static std::shared_ptr<grpc::Channel> ChannelTo(const RpcServer& server) {
    return grpc::CreateChannel(absl::StrCat("127.0.0.1:", server.port()), grpc::InsecureChannelCredentials());
  }

 private:
  NoRpcMetrics metrics_;
};

TEST_F(RpcServerTest, HealthFollowsSetServingForTheServerAndEachService) {
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<RpcServer> server, Listen("127.0.0.1:0"));
  const auto channel = ChannelTo(*server);
  for (const char* service : {"", "semblance.v1.SearchService"}) {
    EXPECT_EQ(HealthOf(channel.get(), service), kNotServing) << service;
    server->SetServing(true);
    EXPECT_EQ(HealthOf(channel.get(), service), kServing) << service;
    server->SetServing(false);
  }
  server->Shutdown(absl::Seconds(10));
}

TEST_F(RpcServerTest, AServiceWithoutAnObjectIsUnimplemented) {
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<RpcServer> server, Listen("127.0.0.1:0"));
  grpc::ClientContext admin_context;
  v1::GetServerInfoResponse info;
  EXPECT_TRUE(v1::AdminService::NewStub(ChannelTo(*server))->GetServerInfo(&admin_context, {}, &info).ok());
  grpc::ClientContext model_context;
  v1::ListModelsResponse models;
  EXPECT_EQ(v1::ModelService::NewStub(ChannelTo(*server))->ListModels(&model_context, {}, &models).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
  server->Shutdown(absl::Seconds(10));
}

TEST_F(RpcServerTest, APortThatIsTakenAndAnAddressThatIsNoneAreRefused) {
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<RpcServer> server, Listen("127.0.0.1:0"));
  EXPECT_THAT(Listen(absl::StrCat("127.0.0.1:", server->port())), testing::StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Listen("no such address"), testing::StatusIs(absl::StatusCode::kInvalidArgument));
  server->Shutdown(absl::Seconds(10));
}

TEST_F(RpcServerTest, IsQuietWhenNobodyCallsAndNotWithinAShorterLimit) {
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<RpcServer> server, Listen("127.0.0.1:0"));
  EXPECT_FALSE(server->WaitUntilQuiet(absl::ZeroDuration()));
  EXPECT_TRUE(server->WaitUntilQuiet(absl::Minutes(1)));
  server->Shutdown(absl::Seconds(10));
}

}  // namespace
}  // namespace semblance::service
