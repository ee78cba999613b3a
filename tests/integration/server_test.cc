// Tests the whole way through the programs: train, serve, ingest, search, stop.
#include <grpcpp/grpcpp.h>
#include <httplib.h>
#include <signal.h>

#include <future>
#include <map>
#include <semaphore>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "dataset/dataset.h"
#include "embedder/bundle/bundle.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "semblance/v1/admin_service.grpc.pb.h"
#include "semblance/v1/catalog_service.grpc.pb.h"
#include "semblance/v1/embedding_service.grpc.pb.h"
#include "semblance/v1/search_service.grpc.pb.h"
#include "tests/integration/server_process.h"
#include "tests/integration/small_model.h"
#include "tests/testing/grpc_health.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/waits.h"

namespace semblance::testing {
namespace {

using ::testing::HasSubstr;

constexpr int kServing = 1;
constexpr int kNotServing = 2;

class ServerTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    shared_ = new TempDir;
    WritePatternFolder(shared_->Join("images"), 6, 60, 25);
    TrainSmallModel(shared_->Join("images"), shared_->Join("trained"), 3);
    TrainSmallModel(shared_->Join("images"), shared_->Join("untrained"), 0, 2);
  }
  static void TearDownTestSuite() { delete shared_; }

  static v1::GetServerInfoResponse InfoOf(const ServerProcess& server) {
    v1::GetServerInfoResponse info;
    grpc::ClientContext context;
    EXPECT_TRUE(v1::AdminService::NewStub(server.channel())->GetServerInfo(&context, {}, &info).ok());
    return info;
  }

  static void Ingest(const ServerProcess& server) {
    const std::string client = SEMBLANCE_BIN_DIR "/semblance";
    ASSERT_EQ(RunProgram({client, "ingest", shared_->Join("images"), "--split=test", "--server=" + server.address()}), 0);
  }

  static grpc::Status SearchImage(const ServerProcess& server, const std::string& image, v1::SearchResponse* response) {
    v1::SearchRequest request;
    request.mutable_query()->set_image(image);
    request.set_top_k(5);
    grpc::ClientContext context;
    return v1::SearchService::NewStub(server.channel())->Search(&context, request, response);
  }

  static TempDir* shared_;
  const TempDir dir_;
};

TempDir* ServerTest::shared_ = nullptr;

TEST_F(ServerTest, RecallThroughTheServiceEqualsOfflineRecallOfTheBundle) {
  ASSERT_OK(WriteFileAtomically(dir_.Join("exact.textproto"), "index { factory: \"Flat\" seal_rows: 50 }"));
  ServerProcess server(dir_.Join("data"), shared_->Join("trained"), {"--config=" + dir_.Join("exact.textproto")});
  ASSERT_TRUE(server.WaitUntilServing());
  Ingest(server);
  ASSERT_OK_AND_ASSIGN(const auto dataset, dataset::OpenDataset(shared_->Join("images")));
  ASSERT_OK_AND_ASSIGN(const dataset::SplitIndices split, dataset::AssignSplit(*dataset, dataset::HoldOut::kItems, 0.2));
  ASSERT_EQ(split.test.size(), 150u);
  const auto stub = v1::SearchService::NewStub(server.channel());
  std::map<int, int> hits;
  for (const int64_t index : split.test) {
    v1::SearchRequest request;
    ASSERT_OK_AND_ASSIGN(*request.mutable_query()->mutable_image(), dataset->ReadImage(index));
    request.add_exclude_item_ids(dataset->example(index).id);
    request.set_top_k(8);
    v1::SearchResponse response;
    grpc::ClientContext context;
    ASSERT_TRUE(stub->Search(&context, request, &response).ok());
    ASSERT_EQ(response.result().neighbors_size(), 8);
    bool hit = false;
    for (int i = 0; i < 8; ++i) {
      hit |= response.result().neighbors(i).label() == dataset->example(index).label;
      hits[i + 1] += hit ? 1 : 0;
    }
  }
  ASSERT_OK_AND_ASSIGN(const auto bundle, embedder::ReadBundleManifest(shared_->Join("trained")));
  ASSERT_GT(bundle.training().recall_size(), 0);
  for (const auto& offline : bundle.training().recall()) {
    EXPECT_NEAR(hits[offline.k()] / 150.0, offline.recall(), 1e-4) << "recall@" << offline.k();
  }
}

TEST_F(ServerTest, HealthFollowsTheModel) {
  ServerProcess empty(dir_.Join("data"), "");
  EXPECT_EQ(HealthOf(empty.channel().get(), ""), kNotServing);
  EXPECT_EQ(HealthOf(empty.channel().get(), "semblance.v1.SearchService"), kNotServing);
  v1::SearchResponse response;
  const grpc::Status status = SearchImage(empty, PatternImage(0, 0), &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  empty.process().Signal(SIGTERM);
  EXPECT_EQ(empty.process().Wait(), 0);

  ServerProcess server(dir_.Join("data"), shared_->Join("untrained"));
  ASSERT_TRUE(server.WaitUntilServing());
  for (const char* service : {"", "semblance.v1.SearchService", "semblance.v1.EmbeddingService", "semblance.v1.CatalogService",
                              "semblance.v1.AdminService"}) {
    EXPECT_EQ(HealthOf(server.channel().get(), service), kServing) << service;
  }
  EXPECT_EQ(InfoOf(server).state(), v1::SERVER_STATE_SERVING);
}

TEST_F(ServerTest, ComesBackWithTheModelAndTheItemsThatItHad) {
  std::string space;
  {
    ServerProcess server(dir_.Join("data"), shared_->Join("trained"));
    ASSERT_TRUE(server.WaitUntilServing());
    Ingest(server);
    space = InfoOf(server).provenance().embedding_space_id();
    server.process().Signal(SIGTERM);
    EXPECT_EQ(server.process().Wait(), 0);
  }
  ServerProcess server(dir_.Join("data"), "");
  ASSERT_TRUE(server.WaitUntilServing());
  const v1::GetServerInfoResponse info = InfoOf(server);
  EXPECT_EQ(info.provenance().embedding_space_id(), space);
  EXPECT_EQ(info.item_count(), 150);
  EXPECT_EQ(info.index().live_count(), 150);
  EXPECT_EQ(info.index().embedded_at_load_count(), 0);
}

TEST_F(ServerTest, AnotherModelEmbedsTheCatalogOnceAndTheFirstOneIsStillThere) {
  const auto start = [&](const std::string& model) {
    ServerProcess server(dir_.Join("data"), shared_->Join(model));
    EXPECT_TRUE(server.WaitUntilServing());
    if (InfoOf(server).item_count() == 0) {
      Ingest(server);
    }
    v1::SearchResponse response;
    EXPECT_TRUE(SearchImage(server, PatternImage(0, 60), &response).ok());
    EXPECT_GT(response.result().neighbors(0).score(), 0.999);
    const v1::GetServerInfoResponse info = InfoOf(server);
    server.process().Signal(SIGTERM);
    EXPECT_EQ(server.process().Wait(), 0);
    return std::make_pair(response.provenance().generation(), info.index().embedded_at_load_count());
  };
  using ::testing::Pair;
  EXPECT_THAT(start("trained"), Pair("gen-000001", 0));
  EXPECT_THAT(start("untrained"), Pair("gen-000002", 150));
  EXPECT_THAT(start("trained"), Pair("gen-000001", 0));
}

TEST_F(ServerTest, SigtermLosesNoAcceptedRequest) {
  ServerProcess server(dir_.Join("data"), shared_->Join("trained"));
  ASSERT_TRUE(server.WaitUntilServing());
  Ingest(server);
  // These requests take a while: they are full batches of queries.
  std::vector<std::future<grpc::Status>> answers;
  const auto stub = v1::SearchService::NewStub(server.channel());
  v1::BatchSearchRequest request;
  request.set_top_k(5);
  for (int i = 0; i < 64; ++i) {
    request.add_queries()->set_image(PatternImage(i % 6, i));
  }
  for (int i = 0; i < 16; ++i) {
    answers.push_back(std::async(std::launch::async, [&] {
      v1::BatchSearchResponse response;
      grpc::ClientContext context;
      return stub->BatchSearch(&context, request, &response);
    }));
  }
  // One request is answered. The others are in the queue or in progress.
  answers.front().wait();
  // The clients do not learn when their requests arrive at the server.
  PollUntil([&server] {
    return absl::StrContains(
        httplib::Client("http://" + server.http_address()).Get("/metrics")->body,
        "grpc_server_started_total{grpc_method=\"BatchSearch\",grpc_service=\"semblance.v1.SearchService\"} 16");
  });
  server.process().Signal(SIGTERM);
  for (auto& answer : answers) {
    const grpc::Status status = answer.get();
    EXPECT_TRUE(status.ok()) << status.error_message();
  }
  EXPECT_EQ(server.process().Wait(), 0);
}

// Clients that do not watch the health service and never pause are answered for a while. Then they are refused with the one code
// that clients retry.
TEST_F(ServerTest, SigtermRefusesThoseWhoGoOnSending) {
  ASSERT_OK(WriteFileAtomically(dir_.Join("config.textproto"), "drain_seconds: 4"));
  ServerProcess server(dir_.Join("data"), shared_->Join("trained"), {"--config=" + dir_.Join("config.textproto")});
  ASSERT_TRUE(server.WaitUntilServing());
  Ingest(server);
  std::counting_semaphore<> answers(0);
  std::vector<std::future<grpc::Status>> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(std::async(std::launch::async, [&server, &answers, i] {
      for (;;) {
        v1::SearchResponse response;
        if (grpc::Status status = SearchImage(server, PatternImage(i, i), &response); !status.ok()) {
          return status;
        }
        answers.release();
      }
    }));
  }
  for (int i = 0; i < 8; ++i) {
    answers.acquire();
  }
  server.process().Signal(SIGTERM);
  for (auto& client : clients) {
    const grpc::Status status = client.get();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE) << status.error_message();
    EXPECT_THAT(status.error_message(), HasSubstr("shutting down"));
  }
  EXPECT_EQ(server.process().Wait(), 0);
}

TEST_F(ServerTest, ExportsMetrics) {
  ASSERT_OK(WriteFileAtomically(dir_.Join("config.textproto"), "recall_probe { one_in: 1 }"));
  ServerProcess server(dir_.Join("data"), shared_->Join("trained"), {"--config=" + dir_.Join("config.textproto")});
  ASSERT_TRUE(server.WaitUntilServing());
  Ingest(server);
  v1::SearchResponse response;
  ASSERT_TRUE(SearchImage(server, PatternImage(0, 0), &response).ok());
  EXPECT_TRUE(response.latency().has_decode() && response.latency().has_infer() && response.latency().has_search());
  // The probe comes after the answer, and the server tells nobody when it is done.
  PollUntil([&server] { return InfoOf(server).recall_probe().has_recall(); });
  httplib::Client client("http://" + server.http_address());
  const auto metrics = client.Get("/metrics");
  ASSERT_TRUE(metrics);
  EXPECT_EQ(metrics->status, 200);
  for (const char* expected :
       {"grpc_server_handled_total{grpc_code=\"OK\",grpc_method=\"Search\",grpc_service=\"semblance.v1.SearchService\"} 1",
        "semblance_items 150", "semblance_serving 1", "semblance_stage_seconds_count{stage=\"infer\"}",
        "semblance_batch_size_bucket", "semblance_wal_fsync_seconds_count", "semblance_index_rows{state=\"live\"} 150",
        "semblance_index_bytes ", R"(semblance_generation_lag{generation="gen-000001"} 0)", "semblance_recall_probe 1",
        "semblance_recall_probe_expected_total 6", "semblance_recall_probe_found_total 6"}) {
    EXPECT_THAT(metrics->body, HasSubstr(expected));
  }
  const auto health = client.Get("/healthz");
  ASSERT_TRUE(health);
  EXPECT_EQ(health->status, 200);
}

TEST_F(ServerTest, SaysWhatIsWrongWithItsCommandLine) {
  const std::string server = SEMBLANCE_BIN_DIR "/semblance-server";
  EXPECT_EQ(RunProgram({server}), 2);
  EXPECT_EQ(RunProgram({server, "--no_such_flag=1"}), 2);
  EXPECT_EQ(RunProgram({server, "--data_dir=" + dir_.Join("a"), "--model=" + dir_.Join("missing"), "--listen=127.0.0.1:0"}), 42);
  ASSERT_OK(WriteFileAtomically(dir_.Join("bad.textproto"), "limits { max_top_k: -1 }"));
  EXPECT_EQ(RunProgram({server, "--data_dir=" + dir_.Join("a"), "--config=" + dir_.Join("bad.textproto")}), 42);
  ASSERT_OK(WriteFileAtomically(dir_.Join("unknown.textproto"), "limits { max_top_q: 1 }"));
  EXPECT_EQ(RunProgram({server, "--data_dir=" + dir_.Join("a"), "--config=" + dir_.Join("unknown.textproto")}), 42);
  std::string help;
  EXPECT_EQ(RunProgram({server, "--help"}, &help), 0);
  EXPECT_THAT(help, HasSubstr("Examples:"));
}

TEST_F(ServerTest, TwoServersDoNotShareADataDirectory) {
  ServerProcess first(dir_.Join("data"), "");
  EXPECT_EQ(RunProgram({SEMBLANCE_BIN_DIR "/semblance-server", "--data_dir=" + dir_.Join("data"), "--listen=127.0.0.1:0"}), 42);
}

TEST_F(ServerTest, RefusesABrokenBundleWithItsReason) {
  const std::string bundle = dir_.Join("broken");
  ASSERT_OK(embedder::CopyBundle(shared_->Join("trained"), bundle));
  ASSERT_OK_AND_ASSIGN(std::string model, ReadFile(bundle + "/model.safetensors"));
  model[model.size() / 2] = static_cast<char>(model[model.size() / 2] ^ 1);
  ASSERT_OK(WriteFileAtomically(bundle + "/model.safetensors", model));
  EXPECT_EQ(RunProgram({SEMBLANCE_BIN_DIR "/semblance-server", "--data_dir=" + dir_.Join("data"), "--model=" + bundle,
                        "--listen=127.0.0.1:0"}),
            42);
}

}  // namespace
}  // namespace semblance::testing
