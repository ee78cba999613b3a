#include <string>

#include "gtest/gtest.h"
#include "semblance/v1/admin_service.grpc.pb.h"
#include "tests/service/rpc/engine_service_fixture.h"

namespace semblance::service {
namespace {

using ::semblance::testing::EngineServiceFixture;
using ::semblance::testing::ItemOf;
using ::semblance::testing::kDimension;

class AdminServiceTest : public ::testing::Test, protected EngineServiceFixture<v1::AdminService> {
 protected:
  AdminServiceTest() : EngineServiceFixture(NewAdminService) {}

  v1::GetServerInfoResponse Info() {
    v1::GetServerInfoResponse response;
    const grpc::Status status = Call(&v1::AdminService::Stub::GetServerInfo, v1::GetServerInfoRequest(), &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
};

TEST_F(AdminServiceTest, DescribesStateModelAndIndex) {
  ASSERT_OK(Upsert({ItemOf("one", 1), ItemOf("two", 2)}));
  ASSERT_OK(Delete({"one"}));
  const v1::GetServerInfoResponse info = Info();
  EXPECT_EQ(info.state(), v1::SERVER_STATE_SERVING);
  EXPECT_NE(info.version(), "");
  EXPECT_GT(info.start_time().seconds(), 0);
  EXPECT_EQ(info.item_count(), 1);
  EXPECT_EQ(info.provenance().generation(), "gen-000001");
  EXPECT_EQ(info.provenance().applied_sequence(), 3u);
  EXPECT_EQ(info.model().name(), "fake");
  EXPECT_EQ(info.model().dimension(), kDimension);
  EXPECT_EQ(info.model().architecture(), "small_convnet");
  EXPECT_EQ(info.index().live_count(), 1);
  EXPECT_EQ(info.index().tombstone_count(), 1);
  EXPECT_GT(info.limits().max_batch_queries(), 0);
}

TEST_F(AdminServiceTest, ThereIsNoRecallBeforeTheFirstProbe) {
  const v1::GetServerInfoResponse info = Info();
  EXPECT_EQ(info.recall_probe().probe_count(), 0);
  EXPECT_FALSE(info.recall_probe().has_recall());
}

}  // namespace
}  // namespace semblance::service
