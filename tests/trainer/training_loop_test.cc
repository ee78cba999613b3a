#include "trainer/training_loop.h"

#include <torch/torch.h>

#include <limits>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "common/file.h"
#include "config/config_override.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"
#include "tests/trainer/learning/small_learner.h"
#include "tests/trainer/learning/split_images.h"
#include "trainer/learning/snapshot.h"
#include "trainer/report/training_log.h"

namespace semblance::trainer {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using testing::SplitImages;
using testing::StatusIs;
using testing::StatusMessage;

class TrainingLoopTest : public ::testing::Test {
 protected:
  // Three epochs of two steps.
  v1::TrainingConfig Config(const std::vector<std::string>& assignments = {}) const {
    v1::TrainingConfig config = testing::SmallConfig();
    config.set_epochs(3);
    config.set_batch_size(6);
    config.mutable_augmentation()->set_max_shift_pixels(0);
    for (const std::string& assignment : assignments) {
      EXPECT_OK(config::ApplyOverride(assignment, &config));
    }
    return config;
  }

  std::unique_ptr<Learner> NewLearner(const v1::TrainingConfig& config) const {
    return testing::CreateSmallLearner(config, /*class_count=*/2, alone_.get()).value();
  }

  // Runs with the checkpoints in a directory of that name.
  absl::StatusOr<TrainingOutcome> Run(const v1::TrainingConfig& config, const std::string& name, Learner* learner) {
    const CheckpointStore checkpoints(dir_.Join(name), /*keep=*/100);
    TrainingInputs inputs;
    inputs.train = train_.labeled();
    inputs.test = test_.labeled();
    inputs.validation = has_validation_ ? validation_.labeled() : nothing_.labeled();
    inputs.classes = &classes_;
    inputs.checkpoints = &checkpoints;
    inputs.progress = &progress_;
    return RunTrainingLoop(config, inputs, stop_.get_token(), learner);
  }

  static std::string WeightsOf(const Learner& learner) { return TakeSnapshot(learner).at("model.safetensors"); }

  std::vector<std::string> CheckpointsIn(const std::string& name) const { return ListDirectory(dir_.Join(name)).value(); }

  std::vector<LogRecord> LogOf(const std::string& name) const { return ReadTrainingLog(dir_.Join(name + "/log.jsonl")).value(); }

  const testing::TempDir dir_;
  std::stop_source stop_;
  bool has_validation_ = false;
  const std::unique_ptr<Ranks> alone_ = Ranks::Join({}, torch::kCPU).value();
  const SplitImages train_{12, 2};
  const SplitImages validation_{6, 2};
  const SplitImages test_{8, 2};
  const SplitImages nothing_{0, 1};
  const std::vector<std::string> classes_ = {"dark", "bright"};
  ProgressFile progress_{""};
};

TEST_F(TrainingLoopTest, TakesEveryStepAndMeasuresBeforeAndAfter) {
  const std::unique_ptr<Learner> learner = NewLearner(Config());

  ASSERT_OK_AND_ASSIGN(const TrainingOutcome outcome, Run(Config(), "run", learner.get()));

  EXPECT_EQ(outcome.steps, 6);
  EXPECT_EQ(outcome.images, 36);
  EXPECT_EQ(outcome.epoch, 3);
  EXPECT_TRUE(outcome.untrained.has_value());
  EXPECT_TRUE(outcome.trained.has_value());
  const std::vector<LogRecord> log = LogOf("run");
  ASSERT_EQ(log.size(), 4U);
  for (size_t epoch = 0; epoch < log.size(); ++epoch) {
    EXPECT_EQ(log[epoch].epoch, static_cast<int64_t>(epoch));
    EXPECT_EQ(log[epoch].step, static_cast<int64_t>(2 * epoch));
  }
}

TEST_F(TrainingLoopTest, EvaluatesOnlyAfterTheEpochsThatTheConfigNamesAndAtTheEnd) {
  const std::unique_ptr<Learner> learner = NewLearner(Config());
  ASSERT_OK(Run(Config({"epochs=5", "evaluate_every_epochs=2"}), "run", learner.get()));

  std::vector<int64_t> evaluated;
  for (const LogRecord& record : LogOf("run")) {
    for (const NamedValue& value : record.values) {
      if (value.name == "recall/at_1") {
        evaluated.push_back(record.epoch);
      }
    }
  }
  EXPECT_THAT(evaluated, ::testing::ElementsAre(0, 2, 4, 5));
}

TEST_F(TrainingLoopTest, TellsHowFarItIs) {
  const std::unique_ptr<Learner> learner = NewLearner(Config());
  ASSERT_OK(Run(Config(), "run", learner.get()));

  const storage::v1::TrainerProgress& progress = progress_.progress();
  EXPECT_EQ(progress.step(), 6);
  EXPECT_EQ(progress.total_steps(), 6);
  EXPECT_EQ(progress.epoch(), 3);
  EXPECT_EQ(progress.total_epochs(), 3);
  EXPECT_GT(progress.images_per_second(), 0);
}

TEST_F(TrainingLoopTest, StopsAtAStepWithACheckpointFromWhichItResumesBitForBit) {
  const v1::TrainingConfig config = Config();
  const std::unique_ptr<Learner> whole = NewLearner(config);
  ASSERT_OK(Run(config, "whole", whole.get()));

  stop_.request_stop();
  const absl::Status stopped = Run(config, "stopped", NewLearner(config).get()).status();
  EXPECT_THAT(stopped, StatusIs(absl::StatusCode::kCancelled));
  EXPECT_THAT(stopped, StatusMessage(HasSubstr("stopped after step 0 of 6")));
  EXPECT_THAT(CheckpointsIn("stopped"), Contains("step_000000000"));
  stop_ = std::stop_source();
  const std::unique_ptr<Learner> resumed = NewLearner(config);
  {
    const torch::NoGradGuard no_grad;
    resumed->net()->named_parameters()["head.bias"].fill_(7);  // The checkpoint must replace this.
  }
  ASSERT_OK(Run(config, "stopped", resumed.get()));

  EXPECT_EQ(WeightsOf(*resumed), WeightsOf(*whole));
}

TEST_F(TrainingLoopTest, WritesCheckpointsEverySoManySteps) {
  const std::unique_ptr<Learner> learner = NewLearner(Config());
  ASSERT_OK(Run(Config({"checkpoint.every_steps=2"}), "run", learner.get()));
  for (const char* const name : {"step_000000002", "step_000000004", "step_000000006"}) {
    EXPECT_THAT(CheckpointsIn("run"), Contains(name));
  }
  EXPECT_THAT(CheckpointsIn("run"), ::testing::Not(Contains("step_000000003")));
}

TEST_F(TrainingLoopTest, RefusesTheCheckpointOfAnotherRun) {
  const v1::TrainingConfig config = Config({"checkpoint.every_steps=2"});
  ASSERT_OK(Run(config, "run", NewLearner(config).get()));
  const v1::TrainingConfig other = Config({"seed=9"});

  const absl::Status status = Run(other, "run", NewLearner(other).get()).status();

  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(status, StatusMessage(HasSubstr("another configuration or other data")));
}

TEST_F(TrainingLoopTest, KeepsTheBestEpochOnTheValidationImagesAndLosesPatience) {
  has_validation_ = true;
  // Images of the two classes are easy to distinguish, so the untrained network is the best one, and no epoch improves on it.
  const v1::TrainingConfig config = Config({"epochs=50", "validation.patience=2"});
  const std::unique_ptr<Learner> learner = NewLearner(config);
  const std::string untrained = WeightsOf(*learner);

  ASSERT_OK_AND_ASSIGN(const TrainingOutcome outcome, Run(config, "run", learner.get()));

  ASSERT_EQ(outcome.untrained->recall(0).recall(), 1);
  EXPECT_EQ(outcome.epoch, 0);
  EXPECT_EQ(outcome.steps, 4);
  EXPECT_EQ(WeightsOf(*learner), untrained);
}

TEST_F(TrainingLoopTest, FreezesTheBackboneWhileItWarmsUp) {
  const v1::TrainingConfig config = Config({"warm_up_epochs=3"});
  const std::unique_ptr<Learner> learner = NewLearner(config);
  const TrainedState before = TrainedStateOf(*learner);

  ASSERT_OK(Run(config, "run", learner.get()));

  const TrainedState after = TrainedStateOf(*learner);
  EXPECT_EQ(after.model.at("stage1.conv1.weight").data, before.model.at("stage1.conv1.weight").data);
  EXPECT_NE(after.model.at("head.weight").data, before.model.at("head.weight").data);
}

TEST_F(TrainingLoopTest, NamesTheStepAtWhichTheLossIsNotFinite) {
  const v1::TrainingConfig config = Config({"proxies.initialization=INITIALIZATION_RANDOM"});
  const std::unique_ptr<Learner> learner = NewLearner(config);
  learner->proxies().Restore(torch::full({2, 4}, std::numeric_limits<float>::quiet_NaN()));

  const absl::Status status = Run(config, "run", learner.get()).status();

  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(status, StatusMessage(HasSubstr("step 1 of 6")));
}

}  // namespace
}  // namespace semblance::trainer
