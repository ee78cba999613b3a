#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/rpc/training_server.h"

namespace semblance::service {
namespace {

using ::semblance::testing::JobOf;
using ::semblance::testing::ReasonOf;
using ::semblance::testing::TrainingServer;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kId[] = "job-000001";

// The client's side of one stream.
class Watcher {
 public:
  explicit Watcher(TrainingServer& server, const std::string& id = kId) {
    v1::WatchTrainingJobRequest request;
    request.set_job(id);
    reader_ = server.stub->WatchTrainingJob(&context_, request);
  }

  // Returns the next message, or one without a job when the stream has ended.
  v1::WatchTrainingJobResponse Next() {
    v1::WatchTrainingJobResponse response;
    return reader_->Read(&response) ? response : v1::WatchTrainingJobResponse();
  }

  v1::TrainingJobState NextState() { return Next().job().state(); }

  // Reads to the end.
  grpc::Status Finish() {
    while (Next().has_job()) {
    }
    return reader_->Finish();
  }

  void Cancel() { context_.TryCancel(); }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::WatchTrainingJobResponse>> reader_;
};

TEST(WatchTrainingJobTest, ShowsStatesInOrderAndEndsWithSuccess) {
  TrainingServer server;
  server.training.Set(JobOf(kId, TrainingState::kQueued));
  Watcher watcher(server);
  EXPECT_EQ(watcher.NextState(), v1::TRAINING_JOB_STATE_QUEUED);
  server.training.Set(JobOf(kId, TrainingState::kRunning, 5));
  const v1::TrainingJob running = watcher.Next().job();
  EXPECT_EQ(running.state(), v1::TRAINING_JOB_STATE_RUNNING);
  EXPECT_EQ(running.progress().step(), 5);
  server.training.Set(JobOf(kId, TrainingState::kPublishing));
  EXPECT_EQ(watcher.NextState(), v1::TRAINING_JOB_STATE_PUBLISHING);
  server.training.Set(JobOf(kId, TrainingState::kSucceeded));
  EXPECT_EQ(watcher.NextState(), v1::TRAINING_JOB_STATE_SUCCEEDED);
  EXPECT_TRUE(watcher.Finish().ok());
  server.training.AwaitObservers(0);
}

TEST(WatchTrainingJobTest, EndsAtOnceWithAJobThatHasEnded) {
  TrainingServer server;
  for (const TrainingState state : {TrainingState::kSucceeded, TrainingState::kFailed, TrainingState::kCancelled}) {
    server.training.Set(JobOf(kId, state));
    Watcher watcher(server);
    EXPECT_EQ(watcher.Next().job().id(), kId);
    EXPECT_TRUE(watcher.Finish().ok());
  }
}

TEST(WatchTrainingJobTest, EndsWhenTheJobIsDeleted) {
  TrainingServer server;
  server.training.Set(JobOf(kId, TrainingState::kRunning));
  Watcher watcher(server);
  EXPECT_EQ(watcher.NextState(), v1::TRAINING_JOB_STATE_RUNNING);
  server.training.AwaitObservers(1);
  server.training.Remove(kId);
  EXPECT_TRUE(watcher.Finish().ok());
}

TEST(WatchTrainingJobTest, RefusesWhatDoesNotExist) {
  TrainingServer server;
  const grpc::Status missing = Watcher(server).Finish();
  EXPECT_EQ(missing.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ReasonOf(missing), "JOB_NOT_FOUND");
  const grpc::Status no_id = Watcher(server, "job-1").Finish();
  EXPECT_EQ(no_id.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ReasonOf(no_id), "INVALID_ID");
}

TEST(WatchTrainingJobTest, BeginsWithTheEndOfTheLogAndGoesOnWithWhatIsNew) {
  TrainingServer server;
  server.training.Set(JobOf(kId, TrainingState::kRunning));
  for (int i = 0; i < 30; ++i) {
    server.training.Log(absl::StrCat("line ", i));
  }
  Watcher watcher(server);
  const v1::WatchTrainingJobResponse first = watcher.Next();
  ASSERT_EQ(first.log_lines_size(), 20);
  EXPECT_EQ(first.log_lines(0), "line 10");
  server.training.AwaitObservers(1);
  server.training.Log("epoch 2");
  server.training.Set(JobOf(kId, TrainingState::kRunning, 2));
  EXPECT_THAT(watcher.Next().log_lines(), ElementsAre("epoch 2"));
  server.training.Set(JobOf(kId, TrainingState::kRunning, 3));
  EXPECT_THAT(watcher.Next().log_lines(), IsEmpty());
}

// The interval never ends in this test, so messages are replaced. Each of their log lines must arrive once.
TEST(WatchTrainingJobTest, LinesOfMessagesThatWereReplacedComeWithTheNext) {
  TrainingServer server(absl::Hours(1));
  server.training.Set(JobOf(kId, TrainingState::kRunning));
  Watcher watcher(server);
  EXPECT_THAT(watcher.Next().log_lines(), IsEmpty());
  server.training.AwaitObservers(1);
  for (int step = 1; step <= 5; ++step) {
    server.training.Log(absl::StrCat("step ", step));
    server.training.Set(JobOf(kId, TrainingState::kRunning, step));
  }
  server.training.Set(JobOf(kId, TrainingState::kPublishing, 5));
  const v1::WatchTrainingJobResponse next = watcher.Next();
  EXPECT_EQ(next.job().state(), v1::TRAINING_JOB_STATE_PUBLISHING);
  EXPECT_THAT(next.log_lines(), ElementsAre("step 1", "step 2", "step 3", "step 4", "step 5"));
  server.training.Log("written");
  server.training.Set(JobOf(kId, TrainingState::kSucceeded, 5));
  EXPECT_THAT(watcher.Next().log_lines(), ElementsAre("written"));
  EXPECT_TRUE(watcher.Finish().ok());
}

TEST(WatchTrainingJobTest, OfMoreLinesThanFitTheOldestAreLeftOut) {
  TrainingServer server;
  server.training.Set(JobOf(kId, TrainingState::kRunning));
  Watcher watcher(server);
  EXPECT_THAT(watcher.Next().log_lines(), IsEmpty());
  server.training.AwaitObservers(1);
  for (int i = 0; i < 1000; ++i) {
    server.training.Log(absl::StrCat("line ", i));
  }
  server.training.Set(JobOf(kId, TrainingState::kRunning, 1));
  const v1::WatchTrainingJobResponse next = watcher.Next();
  ASSERT_EQ(next.log_lines_size(), 200);
  EXPECT_EQ(next.log_lines(0), "line 800");
}

TEST(WatchTrainingJobTest, ALogThatCannotBeReadIsReadOnLater) {
  TrainingServer server;
  server.training.Set(JobOf(kId, TrainingState::kRunning));
  server.training.Log("one");
  Watcher watcher(server);
  EXPECT_THAT(watcher.Next().log_lines(), ElementsAre("one"));
  server.training.AwaitObservers(1);
  server.training.Log("two");
  server.training.FailLogWith(absl::UnavailableError("the disk is away"));
  server.training.Set(JobOf(kId, TrainingState::kRunning, 1));
  EXPECT_THAT(watcher.Next().log_lines(), IsEmpty());
  server.training.FailLogWith(absl::OkStatus());
  server.training.Set(JobOf(kId, TrainingState::kRunning, 2));
  EXPECT_THAT(watcher.Next().log_lines(), ElementsAre("two"));
}

TEST(WatchTrainingJobTest, AClientThatGoesLeavesNothingBehind) {
  TrainingServer server;
  server.training.Set(JobOf(kId, TrainingState::kRunning));
  Watcher watcher(server);
  EXPECT_EQ(watcher.NextState(), v1::TRAINING_JOB_STATE_RUNNING);
  server.training.AwaitObservers(1);
  watcher.Cancel();
  server.training.AwaitObservers(0);
  EXPECT_EQ(watcher.Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST(WatchTrainingJobTest, ShutdownEndsOpenStreams) {
  TrainingServer server;
  server.training.Set(JobOf(kId, TrainingState::kRunning));
  Watcher watcher(server);
  EXPECT_EQ(watcher.NextState(), v1::TRAINING_JOB_STATE_RUNNING);
  server.rpc.calls()->EndStreams();
  const grpc::Status status = watcher.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(status), "DRAINING");
}

}  // namespace
}  // namespace semblance::service
