#include "cli/client/load_run.h"

#include <grpcpp/create_channel.h>

#include <atomic>
#include <stop_token>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cli/fake_server.h"

namespace semblance::cli {
namespace {

using ::semblance::testing::FakeServer;
using ::semblance::testing::RichStatus;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Gt;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::SizeIs;

class LoadRunTest : public ::testing::Test {
 protected:
  LoadRunTest() {
    // The image names the generation that answers. The items that it finds have the label "shoes".
    server_.search.answer = [](const v1::SearchRequest& request, v1::SearchResponse* response) {
      response->mutable_provenance()->set_generation(request.query().image());
      response->mutable_provenance()->set_model("model of " + request.query().image());
      response->mutable_result()->add_neighbors()->set_label("shoes");
      return grpc::Status::OK;
    };
  }

  static LoadOptions Options(double rate, int concurrency) {
    LoadOptions options;
    options.rate = rate;
    options.concurrency = concurrency;
    return options;
  }

  // Sends searches until at least `searches` were sent.
  LoadReport Run(const std::vector<LoadQuery>& queries, LoadOptions options, int64_t searches) {
    const auto channel = grpc::CreateChannel(server_.address(), grpc::InsecureChannelCredentials());
    std::stop_source stop;
    options.stop = stop.get_token();
    return RunLoad(channel, queries, options, [&stop, searches](int64_t sent, int64_t /*failed*/) {
      if (sent >= searches) {
        stop.request_stop();
      }
    });
  }

  static LoadQuery Query(const std::string& image, const std::string& label = "") {
    return {.image = image, .item_id = "", .label = label};
  }

  FakeServer server_;
};

TEST_F(LoadRunTest, EverySearchThatWasSentIsInTheReport) {
  for (const double rate : {0.0, 2000.0}) {
    const LoadReport report = Run({Query("a")}, Options(rate, 2), 20);
    EXPECT_GE(report.requests, 20);
    EXPECT_EQ(report.failed_requests, 0);
    EXPECT_THAT(report.LatenciesMs(), SizeIs(static_cast<size_t>(report.requests)));
    EXPECT_THAT(report.LatenciesMs(), Each(Gt(0)));
    EXPECT_GT(report.elapsed, absl::ZeroDuration());
  }
}

TEST_F(LoadRunTest, EndsAfterItsDuration) {
  LoadOptions options = Options(100, 1);
  options.duration = absl::Milliseconds(100);
  // Nothing asks this run to stop.
  EXPECT_LE(Run({Query("a")}, options, 1'000'000).requests, 10);
}

TEST_F(LoadRunTest, QueriesTakeTurnsAndAnswersAreCountedByGeneration) {
  const LoadReport report = Run({Query("a"), Query("b")}, Options(0, 1), 10);
  ASSERT_THAT(report.generations, ElementsAre(Key("a"), Key("b")));
  const auto a = static_cast<int64_t>(report.generations.at("a").latencies_ms.size());
  const auto b = static_cast<int64_t>(report.generations.at("b").latencies_ms.size());
  EXPECT_EQ(a + b, report.requests);
  EXPECT_LE(a - b, 1);
  EXPECT_GE(a - b, 0);
  EXPECT_EQ(report.generations.at("b").model, "model of b");
}

TEST_F(LoadRunTest, LabelsAreComparedWhereTheQueryHasOne) {
  const LoadReport report = Run({Query("a", "shoes"), Query("b", "hats"), Query("c")}, {}, 9);
  EXPECT_EQ(report.generations.at("a").right, report.generations.at("a").labeled);
  EXPECT_GT(report.generations.at("a").labeled, 0);
  EXPECT_GT(report.generations.at("b").labeled, 0);
  EXPECT_EQ(report.generations.at("b").right, 0);
  EXPECT_EQ(report.generations.at("c").labeled, 0);
}

TEST_F(LoadRunTest, AnAnswerWithoutNeighborsIsNotRight) {
  server_.search.AnswerWith({});
  const LoadReport report = Run({Query("a", ""), Query("b", "shoes")}, {}, 4);
  EXPECT_GT(report.generations.at("").labeled, 0);
  EXPECT_EQ(report.generations.at("").right, 0);
}

TEST_F(LoadRunTest, FailuresAreCountedByReasonOrByCode) {
  std::atomic<int> calls = 0;
  server_.search.answer = [&calls](const v1::SearchRequest&, v1::SearchResponse*) {
    return calls++ % 2 == 0 ? RichStatus(grpc::StatusCode::RESOURCE_EXHAUSTED, "full", "QUEUE_FULL")
                            : grpc::Status(grpc::StatusCode::INTERNAL, "a bug");
  };
  const LoadReport report = Run({Query("a")}, Options(0, 1), 4);
  EXPECT_THAT(report.failures, ElementsAre(Key("QUEUE_FULL"), Key("gRPC code 13")));
  EXPECT_EQ(report.failures.at("QUEUE_FULL").count + report.failures.at("gRPC code 13").count, report.requests);
  EXPECT_EQ(report.failed_requests, report.requests);
  EXPECT_EQ(report.failures.at("gRPC code 13").error.message, "a bug");
  EXPECT_THAT(report.generations, IsEmpty());
}

TEST_F(LoadRunTest, TheItemOfTheQueryIsLeftOut) {
  LoadOptions options = Options(0, 1);
  options.top_k = 3;
  Run({{.image = "a", .item_id = "shoes/1.jpg", .label = ""}}, options, 1);
  EXPECT_EQ(server_.search.last_request.top_k(), 3);
  EXPECT_THAT(server_.search.last_request.exclude_item_ids(), ElementsAre("shoes/1.jpg"));
}

}  // namespace
}  // namespace semblance::cli
