#include <nlohmann/json.hpp>
#include <string>

#include "common/program/process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cli/command_fixture.h"
#include "tests/cli/job_messages.h"

namespace semblance::cli {
namespace {

using ::semblance::testing::CommandFixture;
using ::semblance::testing::MakeJob;
using ::semblance::testing::MakeRunningJob;
using ::semblance::testing::RichStatus;
using ::testing::HasSubstr;

class JobsTest : public CommandFixture {};

TEST_F(JobsTest, AreListed) {
  v1::ListTrainingJobsResponse response;
  *response.add_jobs() = MakeRunningJob(45);
  v1::TrainingJob& done = *response.add_jobs();
  done = MakeJob(v1::TRAINING_JOB_STATE_SUCCEEDED);
  done.set_id("job-000002");
  done.set_from_catalog(false);
  done.mutable_config()->mutable_data()->set_path("photos");
  done.set_model("shoes/3");
  done.set_generation("gen-000002");
  server_.training.list.AnswerWith(response);
  EXPECT_EQ(Run({"jobs", "list"}), kExitDone);
  EXPECT_EQ(out_,
            "job         state        model    data         on success  recall@1  generation  since\n"
            "job-000003  running 45%  shoes    the catalog  build       0.7500    -           2023-11-14T22:13:20+00:00\n"
            "job-000002  succeeded    shoes/3  photos       build       -         gen-000002  2023-11-14T22:13:20+00:00\n");
  EXPECT_EQ(Run({"jobs", "list", "--json"}), kExitDone);
  EXPECT_EQ(nlohmann::json::parse(out_)["jobs"][0]["progress"]["step"], "45");
}

TEST_F(JobsTest, OneIsShownWithAllThatIsKnownAndTheEndOfItsLog) {
  v1::GetTrainingJobResponse response;
  *response.mutable_job() = MakeRunningJob(45);
  response.mutable_job()->set_state_reason("attempt 2 of 4");
  response.mutable_job()->set_attempt(2);
  response.mutable_job()->set_replicas(3);
  response.add_log_lines("epoch 1: loss 0.7");
  response.add_log_lines("epoch 2: loss 0.5");
  server_.training.get.AnswerWith(response);
  EXPECT_EQ(Run({"jobs", "get", "job-000003"}), kExitDone);
  EXPECT_EQ(server_.training.get.last_request.job(), "job-000003");
  for (const char* text :
       {"state       running 45%\n", "because     attempt 2 of 4\n", "data        the catalog\n", "on success  build\n",
        "training, step 45 of 100, 1m 05s left\n", "epoch 2/4, loss 0.5000, recall@1 0.7500, 250 images/s\n", "2, of 3 processes\n",
        "\nepoch 1: loss 0.7\nepoch 2: loss 0.5\n"}) {
    EXPECT_THAT(out_, HasSubstr(text));
  }
}

TEST_F(JobsTest, TheLogIsPrintedAlone) {
  v1::GetTrainingJobResponse response;
  response.add_log_lines("one");
  response.add_log_lines("two");
  server_.training.get.AnswerWith(response);
  EXPECT_EQ(Run({"jobs", "log", "job-000003"}), kExitDone);
  EXPECT_EQ(out_, "one\ntwo\n");
}

TEST_F(JobsTest, AreCancelledResumedAndDeleted) {
  v1::CancelTrainingJobResponse cancelled;
  *cancelled.mutable_job() = MakeJob(v1::TRAINING_JOB_STATE_CANCELLING);
  server_.training.cancel.AnswerWith(cancelled);
  EXPECT_EQ(Run({"jobs", "cancel", "job-000003"}), kExitDone);
  EXPECT_EQ(server_.training.cancel.last_request.job(), "job-000003");
  EXPECT_EQ(out_, "job-000003 is cancelling\n");

  v1::ResumeTrainingJobResponse resumed;
  *resumed.mutable_job() = MakeJob(v1::TRAINING_JOB_STATE_QUEUED);
  server_.training.resume.AnswerWith(resumed);
  EXPECT_EQ(Run({"jobs", "resume", "job-000003"}), kExitDone);
  EXPECT_EQ(server_.training.resume.last_request.job(), "job-000003");
  EXPECT_THAT(out_, HasSubstr("job-000003 is queued; follow it with semblance jobs watch job-000003"));

  EXPECT_EQ(Run({"jobs", "delete", "job-000003"}), kExitDone);
  EXPECT_EQ(server_.training.delete_job.last_request.job(), "job-000003");
  EXPECT_EQ(out_, "job-000003 is deleted\n");
}

TEST_F(JobsTest, RefusalsArePrintedWithTheirReason) {
  server_.training.delete_job.FailWith(RichStatus(grpc::StatusCode::FAILED_PRECONDITION, "job-000003 runs", "JOB_RUNNING"));
  EXPECT_EQ(Run({"jobs", "delete", "job-000003"}), kExitBadInput);
  EXPECT_THAT(err_, HasSubstr("job-000003 runs (reason JOB_RUNNING)"));
}

TEST_F(JobsTest, EachTakesOneId) {
  for (const char* command : {"get", "watch", "log", "cancel", "resume", "delete"}) {
    EXPECT_EQ(Run({"jobs", command}), kExitUsage) << command;
    EXPECT_EQ(RunAlone({"jobs", command, "--help"}), kExitDone) << command;
    EXPECT_THAT(out_, HasSubstr("Examples:"));
  }
}

}  // namespace
}  // namespace semblance::cli
