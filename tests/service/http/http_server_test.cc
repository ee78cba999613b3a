#include "service/http/http_server.h"

#include <httplib.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/engine/engine_fixture.h"

namespace semblance::service {
namespace {

using ::semblance::testing::EngineFixture;
using ::semblance::testing::StatusIs;
using ::testing::HasSubstr;

class HttpServerTest : public ::testing::Test, protected EngineFixture {
 protected:
  absl::StatusOr<std::unique_ptr<HttpServer>> Listen(const std::string& address) {
    return StartHttpServer(address, &engine(), nullptr, nullptr, &metrics_);
  }

  static httplib::Result Get(const HttpServer& server, const std::string& path) {
    return httplib::Client("127.0.0.1", server.port()).Get(path);
  }

 private:
  PrometheusMetrics metrics_;
};

TEST_F(HttpServerTest, AnswersMetricsAndHealthOfAServingEngine) {
  ASSERT_OK(Start("model"));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<HttpServer> server, Listen("127.0.0.1:0"));
  const httplib::Result metrics = Get(*server, "/metrics");
  ASSERT_TRUE(metrics);
  EXPECT_EQ(metrics->status, 200);
  EXPECT_THAT(metrics->body, HasSubstr("semblance_serving 1"));
  const httplib::Result health = Get(*server, "/healthz");
  ASSERT_TRUE(health);
  EXPECT_EQ(health->status, 200);
}

TEST_F(HttpServerTest, AnEngineWithoutAModelIsUnhealthyWithTheReason) {
  ASSERT_OK(Start(""));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<HttpServer> server, Listen("127.0.0.1:0"));
  const httplib::Result health = Get(*server, "/healthz");
  ASSERT_TRUE(health);
  EXPECT_EQ(health->status, 503);
  EXPECT_EQ(health->body, absl::StrCat(engine().status().reason, "\n"));
}

TEST_F(HttpServerTest, AnUnknownPathIsNotFound) {
  ASSERT_OK(Start("model"));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<HttpServer> server, Listen("127.0.0.1:0"));
  const httplib::Result nothing = Get(*server, "/nothing");
  ASSERT_TRUE(nothing);
  EXPECT_EQ(nothing->status, 404);
}

TEST_F(HttpServerTest, AddressesThatCannotBeUsedAreRefused) {
  ASSERT_OK(Start("model"));
  for (const char* address : {"127.0.0.1", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:65536", "127.0.0.1:-1", "256.0.0.1:0"}) {
    EXPECT_THAT(Listen(address), StatusIs(absl::StatusCode::kInvalidArgument)) << address;
  }
}

TEST_F(HttpServerTest, StopsAtOnceRightAfterItsStart) {
  ASSERT_OK(Start("model"));
  for (int round = 0; round < 20; ++round) {
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<HttpServer> server, Listen("127.0.0.1:0"));
    EXPECT_GT(server->port(), 0);
  }
}

TEST_F(HttpServerTest, ThePortIsFreeAgainAfterTheServer) {
  ASSERT_OK(Start("model"));
  int port = 0;
  {
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<HttpServer> server, Listen("127.0.0.1:0"));
    port = server->port();
  }
  EXPECT_OK(Listen(absl::StrCat("127.0.0.1:", port)));
}

}  // namespace
}  // namespace semblance::service
