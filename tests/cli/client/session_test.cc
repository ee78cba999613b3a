#include "cli/client/session.h"

#include <chrono>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "common/program/process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "semblance/v1/catalog_service.pb.h"

namespace semblance::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SessionTest : public ::testing::Test {
 protected:
  v1::CountItemsResponse ThreeItems() {
    v1::CountItemsResponse response;
    response.set_count(3);
    return response;
  }

  static void PrintForPeople(std::ostream& out) { out << "three\n"; }

  std::ostringstream out_;
  std::ostringstream err_;
  CommandLine command_{"semblance test", "THING...", "Tests."};
  Session session_{&command_, {out_, err_}};
};

TEST_F(SessionTest, ParsesTheFlagsThatAllCommandsHave) {
  EXPECT_EQ(session_.Parse({"a", "--timeout_seconds", "5", "--json", "--server=h:1", "b"}), std::nullopt);
  EXPECT_TRUE(session_.json());
  EXPECT_EQ(session_.timeout(), absl::Seconds(5));
  EXPECT_THAT(session_.arguments(), ::testing::ElementsAre("a", "b"));
}

TEST_F(SessionTest, HelpAndVersionEndTheCommand) {
  EXPECT_EQ(session_.Parse({"--help"}), kExitDone);
  EXPECT_THAT(out_.str(), HasSubstr("--server=HOST:PORT"));
  EXPECT_EQ(session_.Parse({"--version"}, 1, 1), kExitDone);
  EXPECT_THAT(err_.str(), IsEmpty());
}

TEST_F(SessionTest, WrongFlagsEndTheCommand) {
  EXPECT_EQ(session_.Parse({"--servr=h:1"}), kExitUsage);
  EXPECT_EQ(err_.str(), "semblance: there is no flag --servr=h:1; did you mean --server? See semblance test --help\n");
  EXPECT_THAT(out_.str(), IsEmpty());
}

TEST_F(SessionTest, TheNumberOfArgumentsIsChecked) {
  EXPECT_EQ(session_.Parse({"a"}, 1, 2), std::nullopt);
  EXPECT_EQ(session_.Parse({"a", "b"}, 1, 2), std::nullopt);
  EXPECT_EQ(session_.Parse({}, 1, 2), kExitUsage);
  EXPECT_EQ(session_.Parse({"a", "b", "c"}, 1, 2), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("semblance test takes THING...; see semblance test --help\n"));
}

TEST_F(SessionTest, KnowsTheCommonFlagsThatHaveAValue) {
  EXPECT_TRUE(Session::IsFlagBeforeItsValue("--server"));
  EXPECT_TRUE(Session::IsFlagBeforeItsValue("--timeout_seconds"));
  for (const char* arg : {"--server=h:1", "--json", "server", "--", "-"}) {
    EXPECT_FALSE(Session::IsFlagBeforeItsValue(arg)) << arg;
  }
}

TEST_F(SessionTest, AContextHasTheDeadlineOfTheFlag) {
  ASSERT_EQ(session_.Parse({"--timeout_seconds=100"}), std::nullopt);
  const auto before = std::chrono::system_clock::now();
  const auto deadline = session_.NewContext()->deadline();
  const auto after = std::chrono::system_clock::now();
  // gRPC rounds a deadline to milliseconds or less.
  EXPECT_GE(deadline, before + std::chrono::seconds(100) - std::chrono::milliseconds(1));
  EXPECT_LE(deadline, after + std::chrono::seconds(100) + std::chrono::milliseconds(1));
}

TEST_F(SessionTest, TheChannelIsMadeOnce) {
  EXPECT_EQ(session_.channel(), session_.channel());
}

TEST_F(SessionTest, AnAnswerIsPrintedForPeopleOrForPrograms) {
  EXPECT_EQ(session_.Finish(grpc::Status::OK, ThreeItems(), PrintForPeople), kExitDone);
  EXPECT_EQ(out_.str(), "three\n");
  ASSERT_EQ(session_.Parse({"--json"}), std::nullopt);
  out_.str("");
  EXPECT_EQ(session_.Finish(grpc::Status::OK, ThreeItems(), PrintForPeople), kExitDone);
  EXPECT_EQ(nlohmann::json::parse(out_.str())["count"], "3");
}

TEST_F(SessionTest, ALineOfJsonIsOneLine) {
  session_.PrintJsonLine(ThreeItems());
  EXPECT_EQ(out_.str().find('\n'), out_.str().size() - 1);
  EXPECT_EQ(nlohmann::json::parse(out_.str())["count"], "3");
}

TEST_F(SessionTest, AnErrorIsPrintedInPlaceOfTheAnswer) {
  const grpc::Status status(grpc::StatusCode::UNAVAILABLE, "no route");
  EXPECT_EQ(session_.Finish(status, ThreeItems(), PrintForPeople), kExitTransient);
  EXPECT_THAT(out_.str(), IsEmpty());
  EXPECT_THAT(err_.str(), HasSubstr("semblance: UNAVAILABLE: no route; is a server listening on 127.0.0.1:50051?"));
  EXPECT_EQ(session_.Fail(absl::NotFoundError("a.jpg is not there")), kExitBadInput);
  EXPECT_THAT(err_.str(), HasSubstr("semblance: a.jpg is not there\n"));
}

}  // namespace
}  // namespace semblance::cli
