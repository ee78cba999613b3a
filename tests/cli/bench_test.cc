#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "absl/synchronization/notification.h"
#include "common/program/process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cli/command_fixture.h"

namespace semblance::cli {
namespace {

using ::semblance::testing::CommandFixture;
using ::semblance::testing::RichStatus;
using ::testing::HasSubstr;

// Runs the command against a server that finds an item with the label "shoes" for every image.
class BenchTest : public CommandFixture {
 protected:
  BenchTest() {
    server_.search.AnswerWith(FoundBy("gen-000001", "shoes"));
    MakeFile("photos/shoes/1.png", "shoe one");
    MakeFile("photos/shoes/2.png", "shoe two");
    MakeFile("photos/hats/1.png", "hat one");
    MakeFile("photos/hats/2.png", "hat two");
  }

  static v1::SearchResponse FoundBy(const std::string& generation, const std::string& label) {
    v1::SearchResponse response;
    response.mutable_provenance()->set_generation(generation);
    response.mutable_provenance()->set_model("shoes");
    v1::Neighbor* neighbor = response.mutable_result()->add_neighbors();
    neighbor->set_item_id("x");
    neighbor->set_label(label);
    return response;
  }

  std::string photos() const { return dir_.Join("photos"); }
  nlohmann::json Json() const { return nlohmann::json::parse(out_); }
};

TEST_F(BenchTest, ReportsLatenciesAndRecallOfTheGenerationThatAnswered) {
  ASSERT_EQ(Run({"bench", photos(), "--rate=200", "--seconds=0.5", "--json"}), kExitDone) << err_;
  const nlohmann::json report = Json();
  EXPECT_GE(report["requests"], 20);
  EXPECT_LE(report["requests"], 110);
  EXPECT_EQ(report["failed_requests"], 0);
  EXPECT_GT(report["p50_ms"], 0);
  EXPECT_LE(report["p50_ms"], report["p99_ms"]);
  EXPECT_LE(report["p99_ms"], report["max_ms"]);
  ASSERT_EQ(report["generations"].size(), 1u);
  EXPECT_EQ(report["generations"][0]["generation"], "gen-000001");
  EXPECT_EQ(report["generations"][0]["answers"], report["requests"]);
  EXPECT_NEAR(report["generations"][0]["recall_at_1"], 0.5, 0.05);
}

TEST_F(BenchTest, LeavesOutTheItemOfTheQuery) {
  ASSERT_EQ(Run({"bench", photos(), "--queries=1", "--concurrency=1", "--seconds=0.1", "--id_prefix=a/", "--top_k=3"}), kExitDone);
  EXPECT_EQ(server_.search.last_request.query().image(), "hat one");
  EXPECT_EQ(server_.search.last_request.top_k(), 3);
  ASSERT_EQ(server_.search.last_request.exclude_item_ids_size(), 1);
  EXPECT_EQ(server_.search.last_request.exclude_item_ids(0), "a/hats/1.png");
}

TEST_F(BenchTest, PrintsATableForPeople) {
  ASSERT_EQ(Run({"bench", photos(), "--concurrency=2", "--seconds=0.1"}), kExitDone) << err_;
  EXPECT_THAT(out_, HasSubstr("gen-000001"));
  EXPECT_THAT(out_, HasSubstr("recall@1"));
  EXPECT_THAT(out_, HasSubstr(" 0 failed"));
}

TEST_F(BenchTest, CountsFailuresByReasonAndSaysWhatTheFirstWas) {
  server_.search.FailWith(RichStatus(grpc::StatusCode::RESOURCE_EXHAUSTED, "too many searches wait", "QUEUE_FULL"));
  EXPECT_EQ(Run({"bench", photos(), "--concurrency=2", "--seconds=0.1", "--json"}), kExitTransient);
  const nlohmann::json report = Json();
  EXPECT_GT(report["requests"], 0);
  EXPECT_EQ(report["failed_requests"], report["requests"]);
  ASSERT_EQ(report["failures"].size(), 1u);
  EXPECT_EQ(report["failures"][0]["reason"], "QUEUE_FULL");
  EXPECT_EQ(report["failures"][0]["count"], report["requests"]);
  EXPECT_THAT(err_, HasSubstr("too many searches wait"));
}

TEST_F(BenchTest, EndsWithAReportWhenItIsInterrupted) {
  // The first search shows that the command handles signals by now.
  absl::Notification searched;
  server_.search.answer = [&searched](const v1::SearchRequest&, v1::SearchResponse*) {
    if (static std::atomic<bool> first = true; first.exchange(false)) {
      searched.Notify();
    }
    return grpc::Status::OK;
  };
  std::thread interrupter([&searched] {
    searched.WaitForNotification();
    ::kill(::getpid(), SIGTERM);
  });
  EXPECT_EQ(Run({"bench", photos(), "--rate=100", "--seconds=0", "--json"}), kExitDone);
  interrupter.join();
  EXPECT_GT(Json()["requests"], 0);
}

TEST_F(BenchTest, SaysWhatIsWrongWithItsArguments) {
  EXPECT_EQ(Run({"bench"}), kExitUsage);
  EXPECT_EQ(Run({"bench", photos(), "--rate=-1"}), kExitUsage);
  EXPECT_EQ(Run({"bench", photos(), "--concurrency=0"}), kExitUsage);
  EXPECT_EQ(Run({"bench", photos(), "--split=odd"}), kExitUsage);
  EXPECT_EQ(Run({"bench", dir_.Join("nothing")}), kExitBadInput);
  EXPECT_THAT(err_, HasSubstr("nothing"));
}

}  // namespace
}  // namespace semblance::cli
