#include "service/http/http_server.h"

#include <gtest/gtest.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "tests/testing/status_matchers.h"

namespace semblance::service {
namespace {

using ::semblance::testing::StatusIs;

// No test sends a request, so nothing is asked for answers.
absl::StatusOr<std::unique_ptr<HttpServer>> Start(const std::string& address) {
  return StartHttpServer(address, /*engine=*/nullptr, /*generations=*/nullptr, /*training=*/nullptr, /*metrics=*/nullptr);
}

TEST(HttpServerTest, StopsAtOnceRightAfterItsStart) {
  for (int round = 0; round < 20; ++round) {
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<HttpServer> server, Start("127.0.0.1:0"));
    EXPECT_GT(server->port(), 0);
  }
}

TEST(HttpServerTest, RefusesAnAddressThatIsNoHostAndPort) {
  for (const char* address : {"localhost", "localhost:", "localhost:http", "localhost:65536", "localhost:-1"}) {
    EXPECT_THAT(Start(address), StatusIs(absl::StatusCode::kInvalidArgument)) << address;
  }
}

TEST(HttpServerTest, RefusesAnAddressThatIsNotOfThisMachine) {
  EXPECT_THAT(Start("192.0.2.1:0"), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace semblance::service
