// Tests training jobs from the command line against a real server.
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/program/process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/job_fixture.h"
#include "tests/testing/process.h"

namespace semblance::testing {
namespace {

using ::testing::HasSubstr;

class JobsCommandTest : public JobFixture {
 protected:
  JobsCommandTest() {
    std::ofstream(dir_.Join("patterns.textproto")) << R"(
      model_name: "patterns"
      data { hold_out: HOLD_OUT_ITEMS hold_out_fraction: 0.3 }
      model { input_side: 24 input_channels: 1 dimension: 8 convnet_channels: [8, 16] convnet_convolutions_per_stage: 1 }
      batch_size: 32
      evaluate_every_epochs: 0
      compute_threads: 1
      loader_threads: 1
    )";
  }

  int Run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), std::string(SEMBLANCE_BIN_DIR) + "/semblance");
    arguments.push_back("--server=" + server_->address());
    return RunProgram(arguments, &out_);
  }
  int Train(std::vector<std::string> flags) {
    flags.insert(flags.begin(), {"train", "--config=" + dir_.Join("patterns.textproto")});
    return Run(flags);
  }

  std::string out_;
};

TEST_F(JobsCommandTest, TrainFollowsAJobUntilItsModelAnswers) {
  ASSERT_EQ(Train({"--set", "epochs=200", "--catalog", "--on_success=activate_if_better", "--log"}), kExitDone);
  EXPECT_THAT(out_, HasSubstr("job-000001"));

  ASSERT_EQ(Run({"jobs", "get", "job-000001", "--json"}), kExitDone);
  const nlohmann::json job = nlohmann::json::parse(out_)["job"];
  EXPECT_EQ(job["state"], "TRAINING_JOB_STATE_SUCCEEDED");
  EXPECT_EQ(job["model"], "patterns/1");
  EXPECT_NE(job["progress"].value("step", "0"), "0");
  EXPECT_EQ(job["progress"]["step"], job["progress"]["total_steps"]);
  ASSERT_EQ(Run({"generations", "show", job["generation"], "--json"}), kExitDone);
  EXPECT_EQ(nlohmann::json::parse(out_)["generation"]["state"], "GENERATION_STATE_ACTIVE");
  ASSERT_EQ(Run({"jobs", "log", "job-000001"}), kExitDone);
  EXPECT_THAT(out_, HasSubstr("wrote the model bundle"));
  EXPECT_EQ(Run({"jobs", "watch", "job-000001"}), kExitDone);
}

TEST_F(JobsCommandTest, ADetachedJobIsFollowedCancelledResumedAndDeleted) {
  ASSERT_EQ(Train({"--set", "epochs=2000", "--catalog", "--detach", "--request_id=nightly"}), kExitDone);
  const std::string id = out_.substr(0, out_.find('\n'));
  EXPECT_EQ(id, "job-000001");
  ASSERT_EQ(Train({"--set", "epochs=2000", "--catalog", "--detach", "--request_id=nightly"}), kExitDone);
  EXPECT_EQ(out_, id + "\n");
  WatchUntil(id, HasTrained);

  Process watch({std::string(SEMBLANCE_BIN_DIR) + "/semblance", "jobs", "watch", id, "--server=" + server_->address()});
  ASSERT_EQ(Run({"jobs", "cancel", id}), kExitDone);
  EXPECT_EQ(watch.Wait(), kExitFailed);
  ASSERT_EQ(Run({"jobs", "list"}), kExitDone);
  EXPECT_THAT(out_, HasSubstr("cancelled"));

  ASSERT_EQ(Run({"jobs", "resume", id}), kExitDone);
  EXPECT_EQ(Run({"jobs", "delete", id}), kExitBadInput);
  ASSERT_EQ(Run({"jobs", "cancel", id}), kExitDone);
  EXPECT_EQ(Run({"jobs", "watch", id}), kExitFailed);
  EXPECT_EQ(Run({"jobs", "delete", id}), kExitDone);
  EXPECT_EQ(Run({"jobs", "get", id}), kExitBadInput);
}

TEST_F(JobsCommandTest, WhatTheServerRefusesIsBadInputAndNothingIsLaunched) {
  EXPECT_EQ(Train({"--set", "batch_size=1", "--catalog"}), kExitBadInput);
  EXPECT_EQ(Train({"--set", "data.path=../../etc"}), kExitBadInput);
  EXPECT_EQ(Train({"--set", "data.path=photos;id"}), kExitBadInput);
  EXPECT_EQ(Train({"--set", "nonsense=1", "--catalog"}), kExitBadInput);
  ASSERT_EQ(Run({"jobs", "list", "--json"}), kExitDone);
  EXPECT_EQ(nlohmann::json::parse(out_).value("jobs", nlohmann::json::array()).size(), 0u);
  EXPECT_TRUE(TrainerProcesses().empty());
}

}  // namespace
}  // namespace semblance::testing
