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
using ::semblance::testing::JobAnswer;
using ::semblance::testing::MakeJob;
using ::semblance::testing::RichStatus;
using ::testing::HasSubstr;

class TrainTest : public CommandFixture {
 protected:
  TrainTest() {
    v1::CreateTrainingJobResponse response;
    *response.mutable_job() = MakeJob(v1::TRAINING_JOB_STATE_QUEUED);
    server_.training.create.AnswerWith(response);
  }

  int RunTrain(Arguments more) {
    more.insert(more.begin(), {"train", "--config=" + config_});
    return Run(more);
  }

  const v1::CreateTrainingJobRequest& request() const { return server_.training.create.last_request; }

  std::string config_ = MakeFile("shoes.textproto", "model_name: \"shoes\"\noptimizer { learning_rate: 0.5 }\n");
};

TEST_F(TrainTest, CreatesAJobOfTheConfigAndPrintsItsId) {
  EXPECT_EQ(RunTrain({"--set", "epochs=3", "--set", "model.convnet_channels=8,16", "--catalog", "--on_success=activate_if_better",
                      "--replicas=2", "--recall_tolerance=0.25", "--index_factory=Flat", "--request_id=nightly", "--detach"}),
            kExitDone);
  EXPECT_EQ(out_, "job-000003\n");
  const v1::TrainingConfig& config = request().config();
  EXPECT_EQ(config.model_name(), "shoes");
  EXPECT_EQ(config.optimizer().learning_rate(), 0.5);
  EXPECT_EQ(config.epochs(), 3);
  EXPECT_EQ(config.model().convnet_channels_size(), 2);
  EXPECT_TRUE(request().from_catalog());
  EXPECT_EQ(request().on_success(), v1::ON_SUCCESS_ACTIVATE_IF_BETTER);
  EXPECT_EQ(request().replicas(), 2);
  EXPECT_EQ(request().recall_tolerance(), 0.25);
  EXPECT_EQ(request().index_factory(), "Flat");
  EXPECT_EQ(request().request_id(), "nightly");
}

TEST_F(TrainTest, WithoutFlagsNothingBecomesOfTheModel) {
  EXPECT_EQ(RunTrain({"--detach", "--json"}), kExitDone);
  EXPECT_EQ(request().on_success(), v1::ON_SUCCESS_NOTHING);
  EXPECT_FALSE(request().from_catalog());
  EXPECT_EQ(request().replicas(), 1);
  EXPECT_EQ(nlohmann::json::parse(out_)["job"]["id"], "job-000003");
}

TEST_F(TrainTest, FollowsTheJobToItsEnd) {
  std::string watched;
  server_.training.watch = [&](const v1::WatchTrainingJobRequest& watch, grpc::ServerWriter<v1::WatchTrainingJobResponse>& writer) {
    watched = watch.job();
    writer.Write(JobAnswer(MakeJob(v1::TRAINING_JOB_STATE_FAILED, "no images")));
    return grpc::Status::OK;
  };
  EXPECT_EQ(RunTrain({}), kExitFailed);
  EXPECT_EQ(watched, "job-000003");
  EXPECT_EQ(out_, "job-000003\n2023-11-14T22:13:20+00:00 job-000003 failed: no images\n");
}

TEST_F(TrainTest, AnUnknownFieldIsNamedWithItsPlace) {
  config_ = MakeFile("bad.textproto", "model_name: \"shoes\"\n  epoch: 3\n");
  EXPECT_EQ(RunTrain({}), kExitBadInput);
  EXPECT_THAT(err_, HasSubstr("bad.textproto:2:"));
  EXPECT_THAT(err_, HasSubstr("epoch"));
  EXPECT_FALSE(request().has_config());
}

TEST_F(TrainTest, AWrongOverrideIsRefused) {
  EXPECT_EQ(RunTrain({"--set", "optimizer.rate=1"}), kExitBadInput);
  EXPECT_THAT(err_, HasSubstr("rate"));
  EXPECT_FALSE(request().has_config());
}

TEST_F(TrainTest, AMissingConfigIsWrongUsageAndAMissingFileBadInput) {
  EXPECT_EQ(Run({"train", "--catalog"}), kExitUsage);
  EXPECT_THAT(err_, HasSubstr("--config=FILE"));
  config_ = dir_.Join("none.textproto");
  EXPECT_EQ(RunTrain({}), kExitBadInput);
  EXPECT_THAT(err_, HasSubstr("none.textproto"));
}

TEST_F(TrainTest, OnSuccessIsOneOfFour) {
  for (const char* name : {"activate", "unspecified", "BUILD", ""}) {
    EXPECT_EQ(RunTrain({std::string("--on_success=") + name}), kExitUsage) << name;
  }
  for (const char* name : {"nothing", "register", "build", "activate_if_better"}) {
    EXPECT_EQ(RunTrain({std::string("--on_success=") + name, "--detach"}), kExitDone) << name;
  }
}

TEST_F(TrainTest, RefusalsOfTheServerNameTheField) {
  server_.training.create.FailWith(
      RichStatus(grpc::StatusCode::INVALID_ARGUMENT, "data.path is /etc", "PATH_OUTSIDE_ROOT", "config.data.path"));
  EXPECT_EQ(RunTrain({}), kExitBadInput);
  EXPECT_THAT(err_, HasSubstr("(field config.data.path, reason PATH_OUTSIDE_ROOT)"));
}

}  // namespace
}  // namespace semblance::cli
