#include <signal.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

#include "common/program/process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cli/command_fixture.h"
#include "tests/cli/job_messages.h"

namespace semblance::cli {
namespace {

using ::semblance::testing::CommandFixture;
using ::semblance::testing::JobAnswer;
using ::semblance::testing::MakeJob;
using ::semblance::testing::MakeRunningJob;
using ::semblance::testing::RichStatus;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

using Writer = grpc::ServerWriter<v1::WatchTrainingJobResponse>;

const grpc::Status kDraining = RichStatus(grpc::StatusCode::UNAVAILABLE, "the server stops", "DRAINING", "", /*retry_delay_ms=*/1);

class WatchJobTest : public CommandFixture {
 protected:
  // The stream of each call, and its end. The last stream answers all further calls too.
  struct Stream {
    std::vector<v1::WatchTrainingJobResponse> answers;
    grpc::Status status;
  };

  void AnswerWith(const std::vector<Stream>& streams) {
    server_.training.watch = [this, streams](const v1::WatchTrainingJobRequest& request, Writer& writer) {
      last_request_ = request;
      const Stream& stream = streams[std::min<size_t>(calls_++, streams.size() - 1)];
      for (const v1::WatchTrainingJobResponse& answer : stream.answers) {
        writer.Write(answer);
      }
      return stream.status;
    };
  }

  int RunWatch(Arguments more = {}) {
    Arguments args = {"jobs", "watch", "job-000003"};
    args.insert(args.end(), more.begin(), more.end());
    return Run(args);
  }

  // This stream lasts until the client cancels it.
  static grpc::Status RunForEver(Writer& writer) {
    for (int step = 0; writer.Write(JobAnswer(MakeRunningJob(step % 100))); ++step) {
    }
    return grpc::Status::CANCELLED;
  }

  std::atomic<size_t> calls_ = 0;
  v1::WatchTrainingJobRequest last_request_;
};

TEST_F(WatchJobTest, PrintsALineForEachStateAndABarForTheTraining) {
  AnswerWith({{{JobAnswer(MakeJob(v1::TRAINING_JOB_STATE_QUEUED, "job-000002 runs")), JobAnswer(MakeRunningJob(0)),
                JobAnswer(MakeRunningJob(50)), JobAnswer(MakeJob(v1::TRAINING_JOB_STATE_PUBLISHING)),
                JobAnswer(MakeJob(v1::TRAINING_JOB_STATE_SUCCEEDED, "gen-000002 is ready"))},
               grpc::Status::OK}});
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(RunWatch(), kExitDone);
  const std::string progress = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(out_,
            "2023-11-14T22:13:20+00:00 job-000003 queued: job-000002 runs\n"
            "2023-11-14T22:13:20+00:00 job-000003 running\n"
            "2023-11-14T22:13:20+00:00 job-000003 publishing\n"
            "2023-11-14T22:13:20+00:00 job-000003 succeeded: gen-000002 is ready\n");
  EXPECT_THAT(progress, HasSubstr("training   0% 0/100 steps"));
  EXPECT_THAT(progress, HasSubstr("epoch 2/4, loss 0.5000, recall@1 0.7500, 250 images/s"));
  EXPECT_THAT(progress, HasSubstr("training done\n"));
  EXPECT_EQ(last_request_.job(), "job-000003");
}

TEST_F(WatchJobTest, ABarThatIsBrokenOffIsNotDone) {
  AnswerWith({{{JobAnswer(MakeRunningJob(50)), JobAnswer(MakeJob(v1::TRAINING_JOB_STATE_FAILED, "no images"))}, grpc::Status::OK}});
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(RunWatch(), kExitFailed);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), Not(HasSubstr("done\n")));
  EXPECT_THAT(out_, HasSubstr("failed: no images\n"));
}

TEST_F(WatchJobTest, ATrainerThatGoesOnAtItsCheckpointGetsANewBar) {
  AnswerWith({{{JobAnswer(MakeRunningJob(50)), JobAnswer(MakeRunningJob(20)), JobAnswer(MakeJob(v1::TRAINING_JOB_STATE_SUCCEEDED))},
               grpc::Status::OK}});
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(RunWatch(), kExitDone);
  const std::string progress = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(progress, HasSubstr("training  50% 50/100 steps"));
  EXPECT_THAT(progress, HasSubstr("training  20% 20/100 steps"));
}

TEST_F(WatchJobTest, TheExitCodeSaysHowItEnded) {
  for (const auto& [state, exit_code] : {std::pair(v1::TRAINING_JOB_STATE_SUCCEEDED, kExitDone),
                                         {v1::TRAINING_JOB_STATE_FAILED, kExitFailed},
                                         {v1::TRAINING_JOB_STATE_CANCELLED, kExitFailed}}) {
    AnswerWith({{{JobAnswer(MakeJob(state))}, grpc::Status::OK}});
    EXPECT_EQ(RunWatch(), exit_code) << v1::TrainingJobState_Name(state);
  }
}

TEST_F(WatchJobTest, AJobThatWasDeletedDuringAnOutageHasFailed) {
  AnswerWith(
      {{{JobAnswer(MakeRunningJob(1))}, kDraining}, {{}, RichStatus(grpc::StatusCode::NOT_FOUND, "no job", "JOB_NOT_FOUND")}});
  EXPECT_EQ(RunWatch(), kExitFailed);
}

TEST_F(WatchJobTest, AnUnknownJobIsBadInput) {
  AnswerWith({{{}, RichStatus(grpc::StatusCode::NOT_FOUND, "no job-000003", "JOB_NOT_FOUND")}});
  EXPECT_EQ(RunWatch(), kExitBadInput);
  EXPECT_THAT(err_, HasSubstr("JOB_NOT_FOUND"));
}

TEST_F(WatchJobTest, TheLogIsShownOnRequest) {
  const Stream stream = {{JobAnswer(MakeJob(v1::TRAINING_JOB_STATE_QUEUED), {"one"}),
                          JobAnswer(MakeJob(v1::TRAINING_JOB_STATE_SUCCEEDED), {"two", "three"})},
                         grpc::Status::OK};
  AnswerWith({stream});
  EXPECT_EQ(RunWatch(), kExitDone);
  EXPECT_THAT(err_, IsEmpty());
  EXPECT_EQ(RunWatch({"--log"}), kExitDone);
  EXPECT_EQ(err_, "one\ntwo\nthree\n");
  EXPECT_EQ(Run({"jobs", "log", "job-000003", "--follow"}), kExitDone);
  EXPECT_EQ(out_, "one\ntwo\nthree\n");
}

// A new call begins with the end of the log. The client has seen a part of it already.
TEST_F(WatchJobTest, NoLineComesTwiceAfterAnInterruption) {
  AnswerWith({{{JobAnswer(MakeRunningJob(1), {"one", "two"})}, kDraining},
              {{JobAnswer(MakeRunningJob(1), {"one", "two", "three"})}, kDraining},
              {{JobAnswer(MakeRunningJob(1), {"two", "three"})}, kDraining},
              {{JobAnswer(MakeJob(v1::TRAINING_JOB_STATE_SUCCEEDED), {"three", "four"})}, grpc::Status::OK}});
  EXPECT_EQ(Run({"jobs", "log", "job-000003", "--follow"}), kExitDone);
  EXPECT_EQ(out_, "one\ntwo\nthree\nfour\n");
  EXPECT_EQ(calls_, 4);
}

TEST_F(WatchJobTest, JsonIsADocumentOnEachLine) {
  AnswerWith({{{JobAnswer(MakeRunningJob(1), {"one"}), JobAnswer(MakeRunningJob(2))}, kDraining},
              {{JobAnswer(MakeRunningJob(2), {"one"}), JobAnswer(MakeJob(v1::TRAINING_JOB_STATE_SUCCEEDED))}, grpc::Status::OK}});
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(RunWatch({"--json"}), kExitDone);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), IsEmpty());
  std::vector<std::string> states;
  std::istringstream lines(out_);
  for (std::string line; std::getline(lines, line);) {
    states.push_back(nlohmann::json::parse(line)["job"]["state"].get<std::string>());
  }
  EXPECT_THAT(states, ElementsAre("TRAINING_JOB_STATE_RUNNING", "TRAINING_JOB_STATE_RUNNING", "TRAINING_JOB_STATE_SUCCEEDED"));
}

TEST_F(WatchJobTest, AnInterruptionLeavesTheJobToItself) {
  server_.training.watch = [](const v1::WatchTrainingJobRequest&, Writer& writer) {
    writer.Write(JobAnswer(MakeRunningJob(1)));
    ::raise(SIGINT);
    return RunForEver(writer);
  };
  EXPECT_EQ(RunWatch(), kExitTerminated);
  EXPECT_THAT(err_,
              HasSubstr("job-000003 continues; watch it with semblance jobs watch job-000003, stop it with semblance jobs cancel "
                        "job-000003\n"));
}

TEST_F(WatchJobTest, AnInterruptionEndsTheWaitingForAServerThatIsAway) {
  server_.training.watch = [this](const v1::WatchTrainingJobRequest&, Writer& writer) {
    if (calls_++ == 0) {
      writer.Write(JobAnswer(MakeRunningJob(1)));
    } else {
      ::raise(SIGTERM);
    }
    return kDraining;
  };
  EXPECT_EQ(RunWatch({"--timeout_seconds=600"}), kExitTerminated);
}

}  // namespace
}  // namespace semblance::cli
