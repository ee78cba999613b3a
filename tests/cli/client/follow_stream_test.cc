#include "cli/client/follow_stream.h"

#include <functional>
#include <sstream>
#include <stop_token>
#include <string>
#include <vector>

#include "common/program/process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cli/fake_method.h"

namespace semblance::cli {
namespace {

using ::semblance::testing::RichStatus;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int kOutcome = 7;

// The retry delay is a millisecond, so the pause is the shortest possible one.
const grpc::Status kAway = RichStatus(grpc::StatusCode::UNAVAILABLE, "the server stops", "DRAINING", "", /*retry_delay_ms=*/1);

// One call: the number of answers, whether they complete the task, and the status after them.
struct Call {
  int answers = 0;
  bool is_over = false;
  grpc::Status status = grpc::Status::OK;
};

// A stream whose calls the test lists. The last one is repeated.
class ScriptedStream final : public FollowedStream {
 public:
  explicit ScriptedStream(std::vector<Call> calls) : calls_(std::move(calls)) {}

  grpc::Status Read(grpc::ClientContext* /*context*/, absl::FunctionRef<void()> heard) override {
    const Call& call = calls_[std::min(read_++, calls_.size() - 1)];
    for (int i = 0; i < call.answers; ++i) {
      heard();
    }
    is_over_ = call.is_over;
    if (on_read) {
      on_read();
    }
    return call.status;
  }
  bool IsOver() const override { return is_over_; }
  int OutcomeCode() const override { return kOutcome; }

  size_t read() const { return read_; }

  std::function<void()> on_read;

 private:
  const std::vector<Call> calls_;
  size_t read_ = 0;
  bool is_over_ = false;
};

class FollowStreamTest : public ::testing::Test {
 protected:
  int Follow(ScriptedStream& stream, const FollowOptions& options = {}, const std::string& timeout = "60") {
    CommandLine command("semblance test", "", "Tests.");
    Session session(&command, {out_, err_});
    EXPECT_EQ(session.Parse({"--timeout_seconds", timeout}), std::nullopt);
    return FollowStream(session, options, stream);
  }

  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(FollowStreamTest, ReturnsTheOutcomeWhenTheTaskIsOver) {
  ScriptedStream stream({{.answers = 2, .is_over = true}});
  EXPECT_EQ(Follow(stream), kOutcome);
  EXPECT_EQ(stream.read(), 1u);
  EXPECT_THAT(err_.str(), IsEmpty());
}

TEST_F(FollowStreamTest, OpensTheStreamAgainAndSaysOnceThatItWasLost) {
  ScriptedStream stream({{.answers = 1, .status = kAway}, {.status = kAway}, {.answers = 1, .is_over = true}});
  EXPECT_EQ(Follow(stream), kOutcome);
  EXPECT_EQ(stream.read(), 3u);
  EXPECT_EQ(err_.str(), "semblance: the connection is lost (the server stops); trying again\n");
}

TEST_F(FollowStreamTest, AnEndThatIsNoReasonIsAnOutage) {
  ScriptedStream stream({{.answers = 1}, {.answers = 1, .is_over = true}});
  EXPECT_EQ(Follow(stream), kOutcome);
  EXPECT_THAT(err_.str(), HasSubstr("the server ended the stream"));
}

TEST_F(FollowStreamTest, AServerThatNeverAnsweredIsNotWaitedFor) {
  ScriptedStream stream({{.status = kAway}});
  EXPECT_EQ(Follow(stream), kExitTransient);
  EXPECT_EQ(stream.read(), 1u);
}

TEST_F(FollowStreamTest, AServerThatAnsweredBeforeIsWaitedForFromTheFirstCallOn) {
  ScriptedStream stream({{.status = kAway}, {.answers = 1, .is_over = true}});
  EXPECT_EQ(Follow(stream, {.server_known = true, .stop = {}}), kOutcome);
  EXPECT_EQ(stream.read(), 2u);
}

TEST_F(FollowStreamTest, GivesUpWhenTheServerStaysAway) {
  ScriptedStream stream({{.answers = 1, .status = kAway}, {.status = kAway}});
  EXPECT_EQ(Follow(stream, {}, /*timeout=*/"1"), kExitTransient);
  EXPECT_THAT(err_.str(), HasSubstr("semblance: UNAVAILABLE: the server stops"));
}

TEST_F(FollowStreamTest, ATaskThatWasDeletedHasItsOutcomeAndAnUnknownOneIsAnError) {
  const grpc::Status gone(grpc::StatusCode::NOT_FOUND, "it is not there");
  ScriptedStream deleted({{.answers = 1, .status = kAway}, {.status = gone}});
  EXPECT_EQ(Follow(deleted), kOutcome);
  ScriptedStream unknown({{.status = gone}});
  EXPECT_EQ(Follow(unknown), kExitBadInput);
  EXPECT_THAT(err_.str(), HasSubstr("it is not there"));
}

TEST_F(FollowStreamTest, AQuietStreamIsOpenedAgainWithoutAPause) {
  const grpc::Status quiet(grpc::StatusCode::DEADLINE_EXCEEDED, "too late");
  ScriptedStream stream({{.answers = 1, .status = quiet}, {.answers = 1, .is_over = true}});
  EXPECT_EQ(Follow(stream), kOutcome);
  EXPECT_THAT(err_.str(), IsEmpty());
}

TEST_F(FollowStreamTest, AnErrorThatDoesNotPassIsReturned) {
  const grpc::Status bug(grpc::StatusCode::INTERNAL, "a bug");
  ScriptedStream stream({{.answers = 1, .status = bug}, {.answers = 1, .status = bug}});
  EXPECT_EQ(Follow(stream), kExitFailed);
  EXPECT_EQ(stream.read(), 1u);
}

TEST_F(FollowStreamTest, AStopEndsThePause) {
  std::stop_source stop;
  ScriptedStream stream({{.answers = 1, .status = RichStatus(grpc::StatusCode::UNAVAILABLE, "full", "QUEUE_FULL", "", 900)}});
  stream.on_read = [&stop] { stop.request_stop(); };
  EXPECT_EQ(Follow(stream, {.server_known = false, .stop = stop.get_token()}), kExitTerminated);
  EXPECT_EQ(stream.read(), 1u);
}

}  // namespace
}  // namespace semblance::cli
