#include <atomic>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "common/program/process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cli/command_fixture.h"
#include "tests/cli/generation_messages.h"

namespace semblance::cli {
namespace {

using ::semblance::testing::CommandFixture;
using ::semblance::testing::MakeGeneration;
using ::semblance::testing::RichStatus;
using ::semblance::testing::WatchAnswer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

using Writer = grpc::ServerWriter<v1::WatchGenerationResponse>;

const grpc::Status kDraining = RichStatus(grpc::StatusCode::UNAVAILABLE, "the server stops", "DRAINING", "", /*retry_delay_ms=*/1);

class WatchTest : public CommandFixture {
 protected:
  // The stream of each call, and its end. The last stream answers all further calls too.
  struct Stream {
    std::vector<v1::WatchGenerationResponse> answers;
    grpc::Status status;
  };

  void AnswerWith(const std::vector<Stream>& streams) {
    server_.generations.watch = [this, streams](const v1::WatchGenerationRequest& request, Writer& writer) {
      last_request_ = request;
      const Stream& stream = streams[std::min<size_t>(calls_++, streams.size() - 1)];
      for (const v1::WatchGenerationResponse& answer : stream.answers) {
        writer.Write(answer);
      }
      return stream.status;
    };
  }

  int RunWatch(Arguments more = {}) {
    Arguments args = {"generations", "watch", "gen-000002"};
    args.insert(args.end(), more.begin(), more.end());
    return Run(args);
  }

  static v1::WatchGenerationResponse Embedding(int64_t done, int64_t total) {
    v1::WatchGenerationResponse answer = WatchAnswer(v1::GENERATION_STATE_EMBEDDING, "reads the catalog");
    v1::GenerationProgress& progress = *answer.mutable_generation()->mutable_progress();
    progress.set_done(done);
    progress.set_total(total);
    progress.set_unit("items");
    return answer;
  }

  std::vector<std::string> StatesOfLines() const {
    std::vector<std::string> states;
    std::istringstream lines(out_);
    for (std::string line; std::getline(lines, line);) {
      states.push_back(nlohmann::json::parse(line)["generation"]["state"].get<std::string>());
    }
    return states;
  }

  std::atomic<size_t> calls_ = 0;
  v1::WatchGenerationRequest last_request_;
};

TEST_F(WatchTest, PrintsALineForEachStateWithItsReason) {
  AnswerWith({{{WatchAnswer(v1::GENERATION_STATE_CREATING), Embedding(0, 10), Embedding(5, 10),
                WatchAnswer(v1::GENERATION_STATE_READY, "the gates hold")},
               grpc::Status::OK}});
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(RunWatch(), kExitDone);
  const std::string progress = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(out_,
            "2023-11-14T22:13:20+00:00 gen-000002 creating\n"
            "2023-11-14T22:13:20+00:00 gen-000002 embedding: reads the catalog\n"
            "2023-11-14T22:13:20+00:00 gen-000002 ready: the gates hold\n");
  EXPECT_THAT(progress, HasSubstr("embedding   0% 0/10 items"));
  EXPECT_THAT(progress, HasSubstr("embedding done\n"));
  EXPECT_EQ(last_request_.generation(), "gen-000002");
  EXPECT_FALSE(last_request_.follow());
}

TEST_F(WatchTest, ABarThatIsBrokenOffIsNotDone) {
  AnswerWith({{{Embedding(5, 10), WatchAnswer(v1::GENERATION_STATE_FAILED, "the builder was killed")}, grpc::Status::OK}});
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(RunWatch(), kExitBadInput);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), Not(HasSubstr("done\n")));
  EXPECT_THAT(out_, HasSubstr("failed: the builder was killed\n"));
}

TEST_F(WatchTest, ABuilderThatGoesOnEarlierGetsANewBar) {
  AnswerWith({{{Embedding(5, 10), Embedding(2, 10), WatchAnswer(v1::GENERATION_STATE_READY)}, grpc::Status::OK}});
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(RunWatch(), kExitDone);
  const std::string progress = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(progress, HasSubstr("embedding  50% 5/10 items"));
  EXPECT_THAT(progress, HasSubstr("embedding  20% 2/10 items"));
}

TEST_F(WatchTest, TheExitCodeSaysHowItEnded) {
  const std::vector<std::pair<v1::GenerationState, int>> expected = {
      {v1::GENERATION_STATE_READY, kExitDone},       {v1::GENERATION_STATE_ACTIVE, kExitDone},
      {v1::GENERATION_STATE_STANDBY, kExitDone},     {v1::GENERATION_STATE_FAILED, kExitBadInput},
      {v1::GENERATION_STATE_CANCELLED, kExitFailed}, {v1::GENERATION_STATE_RETIRING, kExitFailed}};
  for (const auto& [state, exit_code] : expected) {
    AnswerWith({{{WatchAnswer(state)}, grpc::Status::OK}});
    EXPECT_EQ(RunWatch(), exit_code) << v1::GenerationState_Name(state);
  }
}

TEST_F(WatchTest, JsonIsADocumentOnEachLine) {
  AnswerWith({{{Embedding(0, 10), Embedding(5, 10), WatchAnswer(v1::GENERATION_STATE_READY)}, grpc::Status::OK}});
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(RunWatch({"--json"}), kExitDone);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), IsEmpty());
  EXPECT_THAT(StatesOfLines(), ElementsAre("GENERATION_STATE_EMBEDDING", "GENERATION_STATE_EMBEDDING", "GENERATION_STATE_READY"));
}

TEST_F(WatchTest, GoesOnAfterAnInterruptionAndSaysNothingTwice) {
  AnswerWith({{{Embedding(5, 10)}, kDraining}, {{}, kDraining}, {{Embedding(5, 10), WatchAnswer(v1::GENERATION_STATE_READY)}, {}}});
  EXPECT_EQ(RunWatch({"--json"}), kExitDone);
  EXPECT_EQ(calls_, 3);
  EXPECT_THAT(StatesOfLines(), ElementsAre("GENERATION_STATE_EMBEDDING", "GENERATION_STATE_READY"));
  EXPECT_EQ(err_, "semblance: the connection is lost (the server stops); trying again\n");
}

TEST_F(WatchTest, AStreamThatEndsInTheMiddleIsAnInterruption) {
  AnswerWith({{{Embedding(5, 10)}, grpc::Status::OK}, {{WatchAnswer(v1::GENERATION_STATE_READY)}, grpc::Status::OK}});
  EXPECT_EQ(RunWatch(), kExitDone);
  EXPECT_EQ(calls_, 2);
}

// The connection breaks in the middle of a stream.
TEST_F(WatchTest, ARestartOfTheServerIsSurvived) {
  absl::Notification streaming;
  server_.generations.watch = [&](const v1::WatchGenerationRequest&, Writer& writer) {
    if (calls_++ > 0) {
      writer.Write(WatchAnswer(v1::GENERATION_STATE_ACTIVE));
      return grpc::Status::OK;
    }
    writer.Write(Embedding(0, 0));
    streaming.Notify();
    for (int64_t done = 1; writer.Write(Embedding(done, 0)); ++done) {
    }
    return grpc::Status::CANCELLED;
  };
  std::thread operator_thread([&] {
    streaming.WaitForNotification();
    server_.Restart();
  });
  EXPECT_EQ(RunWatch(), kExitDone);
  operator_thread.join();
  EXPECT_THAT(err_, HasSubstr("the connection is lost"));
  EXPECT_THAT(out_, HasSubstr("gen-000002 active\n"));
}

TEST_F(WatchTest, AServerThatStaysAwayIsGivenUp) {
  AnswerWith({{{Embedding(5, 10)}, kDraining}, {{}, kDraining}});
  EXPECT_EQ(RunWatch({"--timeout_seconds=1"}), kExitTransient);
  EXPECT_THAT(err_, HasSubstr("semblance: UNAVAILABLE: the server stops (reason DRAINING)\n"));
}

TEST_F(WatchTest, AServerThatStopsForGoodIsGivenUp) {
  absl::Notification streaming;
  server_.generations.watch = [&](const v1::WatchGenerationRequest&, Writer& writer) {
    writer.Write(Embedding(0, 0));
    streaming.Notify();
    for (int64_t done = 1; writer.Write(Embedding(done, 0)); ++done) {
    }
    return grpc::Status::CANCELLED;
  };
  std::thread operator_thread([&] {
    streaming.WaitForNotification();
    server_.Stop();
  });
  EXPECT_EQ(RunWatch({"--timeout_seconds=1"}), kExitTransient);
  operator_thread.join();
  EXPECT_THAT(err_, HasSubstr("semblance: UNAVAILABLE: "));
}

TEST_F(WatchTest, AServerThatWasNeverThereIsNotWaitedFor) {
  EXPECT_EQ(RunAlone({"generations", "watch", "gen-000002", "--server=127.0.0.1:1"}), kExitTransient);
  EXPECT_THAT(err_, HasSubstr("is a server listening on 127.0.0.1:1?"));
  EXPECT_THAT(err_, Not(HasSubstr("trying again")));
}

TEST_F(WatchTest, AnUnknownGenerationIsBadInput) {
  AnswerWith({{{}, RichStatus(grpc::StatusCode::NOT_FOUND, "no gen-000002", "GENERATION_NOT_FOUND")}});
  EXPECT_EQ(RunWatch(), kExitBadInput);
  EXPECT_THAT(err_, HasSubstr("GENERATION_NOT_FOUND"));
}

TEST_F(WatchTest, FollowGoesOnUntilItIsDeleted) {
  const grpc::Status gone = RichStatus(grpc::StatusCode::NOT_FOUND, "no gen-000002", "GENERATION_NOT_FOUND");
  // The second stream ends with an interruption, during which the generation was deleted.
  AnswerWith(
      {{{WatchAnswer(v1::GENERATION_STATE_READY)}, kDraining}, {{WatchAnswer(v1::GENERATION_STATE_ACTIVE)}, {}}, {{}, gone}});
  EXPECT_EQ(RunWatch({"--follow"}), kExitDone);
  EXPECT_TRUE(last_request_.follow());
  EXPECT_EQ(calls_, 3);
  AnswerWith({{{WatchAnswer(v1::GENERATION_STATE_STANDBY), WatchAnswer(v1::GENERATION_STATE_RETIRING)}, grpc::Status::OK}});
  EXPECT_EQ(RunWatch({"--follow"}), kExitDone);
}

TEST_F(WatchTest, AQuietStreamIsNoOutage) {
  absl::Notification end;
  server_.generations.watch = [&](const v1::WatchGenerationRequest&, Writer& writer) {
    writer.Write(calls_ == 0 ? Embedding(5, 10) : WatchAnswer(v1::GENERATION_STATE_READY));
    if (calls_++ == 0) {
      end.WaitForNotification();  // Beyond the deadline of the call.
    } else {
      end.Notify();
    }
    return grpc::Status::OK;
  };
  EXPECT_EQ(RunWatch({"--timeout_seconds=1"}), kExitDone);
  EXPECT_EQ(calls_, 2);
  EXPECT_THAT(err_, IsEmpty());
  server_.Stop();  // The first handler may only now leave `end`.
}

TEST_F(WatchTest, CreateWatchesWhatItMade) {
  v1::CreateGenerationResponse created;
  *created.mutable_generation() = MakeGeneration("gen-000002", v1::GENERATION_STATE_CREATING);
  server_.generations.create.AnswerWith(created);
  // The server has just answered, so an absent answer is an outage.
  AnswerWith({{{}, kDraining}, {{WatchAnswer(v1::GENERATION_STATE_FAILED, "an image is broken")}, grpc::Status::OK}});
  EXPECT_EQ(Run({"generations", "create", "shoes", "--watch", "--json"}), kExitBadInput);
  EXPECT_EQ(last_request_.generation(), "gen-000002");
  EXPECT_THAT(StatesOfLines(), ElementsAre("GENERATION_STATE_CREATING", "GENERATION_STATE_FAILED"));
}

}  // namespace
}  // namespace semblance::cli
