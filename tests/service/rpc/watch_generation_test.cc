#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/rpc/generation_server.h"
#include "tests/testing/status_matchers.h"

namespace semblance::service {
namespace {

using ::semblance::testing::ErrorOf;
using ::semblance::testing::GenerationOf;
using ::semblance::testing::GenerationServer;
using ::semblance::testing::RpcError;
using ::semblance::testing::StatusIs;

constexpr char kId[] = "gen-000001";

// The client's side of one stream.
class Watcher {
 public:
  explicit Watcher(GenerationServer& server, bool follow = false, const std::string& id = kId) {
    v1::WatchGenerationRequest request;
    request.set_generation(id);
    request.set_follow(follow);
    reader_ = server.stub->WatchGeneration(&context_, request);
  }

  // Returns the next message, or one without an id when the stream has ended.
  v1::Generation Next() {
    v1::WatchGenerationResponse response;
    return reader_->Read(&response) ? response.generation() : v1::Generation();
  }

  v1::GenerationState NextState() { return Next().state(); }

  // Reads to the end.
  grpc::Status Finish() {
    while (!Next().id().empty()) {
    }
    return reader_->Finish();
  }

  void Cancel() { context_.TryCancel(); }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::WatchGenerationResponse>> reader_;
};

TEST(WatchGenerationTest, ShowsStatesInOrderAndEndsWithReady) {
  GenerationServer server;
  server.generations.Set(GenerationOf(kId, GenerationState::kCreating));
  Watcher watcher(server);
  EXPECT_EQ(watcher.NextState(), v1::GENERATION_STATE_CREATING);
  server.generations.Set(GenerationOf(kId, GenerationState::kEmbedding, 5));
  const v1::Generation embedding = watcher.Next();
  EXPECT_EQ(embedding.state(), v1::GENERATION_STATE_EMBEDDING);
  EXPECT_EQ(embedding.progress().done(), 5);
  server.generations.Set(GenerationOf(kId, GenerationState::kIndexing));
  EXPECT_EQ(watcher.NextState(), v1::GENERATION_STATE_INDEXING);
  server.generations.Set(GenerationOf(kId, GenerationState::kReady));
  EXPECT_EQ(watcher.NextState(), v1::GENERATION_STATE_READY);
  EXPECT_TRUE(watcher.Finish().ok());
  server.generations.AwaitObservers(0);
}

TEST(WatchGenerationTest, EndsAtOnceInAStateThatLasts) {
  GenerationServer server;
  for (const GenerationState state : {GenerationState::kReady, GenerationState::kActive, GenerationState::kStandby,
                                      GenerationState::kFailed, GenerationState::kCancelled}) {
    server.generations.Set(GenerationOf(kId, state));
    Watcher watcher(server);
    EXPECT_EQ(watcher.Next().id(), kId);
    EXPECT_TRUE(watcher.Finish().ok());
  }
}

TEST(WatchGenerationTest, GoesOnPastReadyWhenAnActivationFollows) {
  GenerationServer server;
  GenerationInfo info = GenerationOf(kId, GenerationState::kReady);
  service::SetPolicy(service::ActivationPolicy::kAlways, info.manifest);
  server.generations.Set(info);
  Watcher watcher(server);
  EXPECT_EQ(watcher.NextState(), v1::GENERATION_STATE_READY);
  info.state = GenerationState::kActive;
  server.generations.Set(info);
  EXPECT_EQ(watcher.NextState(), v1::GENERATION_STATE_ACTIVE);
  EXPECT_TRUE(watcher.Finish().ok());
}

TEST(WatchGenerationTest, EndsWithReadyWhenTheActivationWasDecidedAgainst) {
  GenerationServer server;
  GenerationInfo info = GenerationOf(kId, GenerationState::kReady);
  service::SetPolicy(service::ActivationPolicy::kIfBetter, info.manifest);
  server.generations.Set(info);
  Watcher watcher(server);
  EXPECT_EQ(watcher.NextState(), v1::GENERATION_STATE_READY);
  info.reason = "its recall is lower";
  server.generations.Set(info);
  EXPECT_EQ(watcher.Next().state_reason(), "its recall is lower");
  EXPECT_TRUE(watcher.Finish().ok());
}

TEST(WatchGenerationTest, FollowsUntilTheGenerationIsDeleted) {
  GenerationServer server;
  server.generations.Set(GenerationOf(kId, GenerationState::kReady));
  Watcher watcher(server, /*follow=*/true);
  EXPECT_EQ(watcher.NextState(), v1::GENERATION_STATE_READY);
  server.generations.Set(GenerationOf(kId, GenerationState::kActive));
  EXPECT_EQ(watcher.NextState(), v1::GENERATION_STATE_ACTIVE);
  server.generations.Set(GenerationOf(kId, GenerationState::kRetiring));
  EXPECT_EQ(watcher.NextState(), v1::GENERATION_STATE_RETIRING);
  server.generations.Remove(kId);
  EXPECT_TRUE(watcher.Finish().ok());
}

TEST(WatchGenerationTest, RefusesWhatDoesNotExist) {
  GenerationServer server;
  EXPECT_EQ(ErrorOf(Watcher(server).Finish()), (RpcError{grpc::StatusCode::NOT_FOUND, "GENERATION_NOT_FOUND"}));
  EXPECT_EQ(ErrorOf(Watcher(server, false, "").Finish()),
            (RpcError{grpc::StatusCode::INVALID_ARGUMENT, "INVALID_ID", "generation"}));
}

// The interval never ends in this test, so each message arrives because the state changed.
TEST(WatchGenerationTest, ProgressWaitsForTheIntervalAndAChangeOfStateDoesNot) {
  GenerationServer server(absl::Hours(1));
  server.generations.Set(GenerationOf(kId, GenerationState::kEmbedding, 1));
  Watcher watcher(server);
  EXPECT_EQ(watcher.Next().progress().done(), 1);
  for (int done = 2; done <= 100; ++done) {
    server.generations.Set(GenerationOf(kId, GenerationState::kEmbedding, done));
  }
  server.generations.Set(GenerationOf(kId, GenerationState::kIndexing, 7));
  const v1::Generation next = watcher.Next();
  EXPECT_EQ(next.state(), v1::GENERATION_STATE_INDEXING);
  EXPECT_EQ(next.progress().done(), 7);
  server.generations.Set(GenerationOf(kId, GenerationState::kIndexing, 8));
  server.generations.Set(GenerationOf(kId, GenerationState::kFailed));
  EXPECT_EQ(watcher.NextState(), v1::GENERATION_STATE_FAILED);
  EXPECT_TRUE(watcher.Finish().ok());
}

TEST(WatchGenerationTest, TheLastProgressArrivesWhenTheIntervalIsOver) {
  GenerationServer server(absl::Milliseconds(20));
  server.generations.Set(GenerationOf(kId, GenerationState::kEmbedding, 0));
  Watcher watcher(server);
  constexpr int kLast = 1000;
  for (int done = 1; done <= kLast; ++done) {
    server.generations.Set(GenerationOf(kId, GenerationState::kEmbedding, done));
  }
  int64_t last = -1;
  while (last < kLast) {
    const int64_t done = watcher.Next().progress().done();
    ASSERT_GT(done, last);
    last = done;
  }
}

// A message larger than the transport's window is not taken before the client reads.
TEST(WatchGenerationTest, AClientThatReadsSlowlyGetsTheNewestStateNext) {
  GenerationServer server;
  GenerationInfo info = GenerationOf(kId, GenerationState::kEmbedding, 0);
  info.reason.assign(1 << 20, 'x');
  server.generations.Set(info);
  Watcher watcher(server);
  server.generations.AwaitObservers(1);
  for (int done = 1; done <= 50; ++done) {
    server.generations.Set(GenerationOf(kId, GenerationState::kEmbedding, done));
  }
  EXPECT_EQ(watcher.Next().progress().done(), 0);
  EXPECT_EQ(watcher.Next().progress().done(), 50);
  server.generations.Set(GenerationOf(kId, GenerationState::kFailed));
  EXPECT_EQ(watcher.NextState(), v1::GENERATION_STATE_FAILED);
  EXPECT_TRUE(watcher.Finish().ok());
}

TEST(WatchGenerationTest, AClientThatGoesLeavesNothingBehind) {
  GenerationServer server;
  server.generations.Set(GenerationOf(kId, GenerationState::kEmbedding));
  Watcher watcher(server);
  EXPECT_EQ(watcher.NextState(), v1::GENERATION_STATE_EMBEDDING);
  server.generations.AwaitObservers(1);
  EXPECT_EQ(server.tracker().in_flight(), 1);
  watcher.Cancel();
  server.generations.AwaitObservers(0);
  EXPECT_EQ(watcher.Finish().error_code(), grpc::StatusCode::CANCELLED);
  server.Shutdown(absl::Seconds(30));
  EXPECT_EQ(server.tracker().in_flight(), 0);
  EXPECT_EQ(server.metrics.started, 1);
  EXPECT_EQ(server.metrics.handled, 1);
  EXPECT_THAT(server.metrics.last(), StatusIs(absl::StatusCode::kCancelled));
}

TEST(WatchGenerationTest, ShutdownEndsOpenStreamsAtOnce) {
  GenerationServer server(absl::Hours(1));
  server.generations.Set(GenerationOf(kId, GenerationState::kEmbedding));
  std::vector<std::unique_ptr<Watcher>> watchers;
  for (int i = 0; i < 5; ++i) {
    watchers.push_back(std::make_unique<Watcher>(server, /*follow=*/true));
    EXPECT_EQ(watchers.back()->NextState(), v1::GENERATION_STATE_EMBEDDING);
  }
  EXPECT_LT(server.Shutdown(absl::Minutes(10)), absl::Minutes(1));
  const RpcError draining{grpc::StatusCode::UNAVAILABLE, "DRAINING", "", true};
  for (const std::unique_ptr<Watcher>& watcher : watchers) {
    EXPECT_EQ(ErrorOf(watcher->Finish()), draining);
  }
  EXPECT_EQ(server.tracker().in_flight(), 0);
  EXPECT_EQ(server.metrics.handled, 5);
  server.generations.AwaitObservers(0);
}

TEST(WatchGenerationTest, AWatchThatComesAfterTheStreamsWereEndedIsRefused) {
  GenerationServer server;
  server.generations.Set(GenerationOf(kId, GenerationState::kEmbedding));
  server.tracker().EndStreams();
  EXPECT_EQ(ErrorOf(Watcher(server).Finish()), (RpcError{grpc::StatusCode::UNAVAILABLE, "DRAINING", "", true}));
}

// See grpc#39114: a reactor that does not finish hangs the shutdown for ever.
TEST(WatchGenerationTest, ShutdownReturnsAfterTheGraceWhenAClientDoesNotRead) {
  GenerationServer server;
  GenerationInfo info = GenerationOf(kId, GenerationState::kEmbedding);
  info.reason.assign(1 << 20, 'x');
  server.generations.Set(info);
  Watcher watcher(server);
  server.generations.AwaitObservers(1);
  const absl::Duration duration = server.Shutdown(absl::Milliseconds(200));
  EXPECT_GE(duration, absl::Milliseconds(200));
  EXPECT_LT(duration, absl::Minutes(1));
  EXPECT_EQ(server.tracker().in_flight(), 0);
  EXPECT_EQ(server.metrics.handled, 1);
}

TEST(WatchGenerationTest, ManyStreamsSurviveChangesCancellationAndShutdownAtOnce) {
  GenerationServer server(absl::Milliseconds(1));
  server.generations.Set(GenerationOf(kId, GenerationState::kEmbedding));
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back([&server, i] {
      for (int round = 0; round < 20; ++round) {
        Watcher watcher(server, /*follow=*/true);
        watcher.Next();
        if (i % 2 == 0) {
          watcher.Cancel();
        }
        watcher.Finish();
      }
    });
  }
  std::atomic<bool> stop = false;
  std::thread changer([&] {
    for (int done = 0; !stop; ++done) {
      server.generations.Set(GenerationOf(kId, done % 100 == 99 ? GenerationState::kIndexing : GenerationState::kEmbedding, done));
    }
  });
  server.generations.AwaitObservers(4);
  server.Shutdown(absl::Seconds(30));
  stop = true;
  changer.join();
  for (std::thread& client : clients) {
    client.join();
  }
  EXPECT_EQ(server.tracker().in_flight(), 0);
  EXPECT_EQ(server.metrics.handled, server.metrics.started);
  server.generations.AwaitObservers(0);
}

}  // namespace
}  // namespace semblance::service
