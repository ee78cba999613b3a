#include "trainer/learning/schedule.h"

#include <cmath>

#include "gtest/gtest.h"

namespace semblance::trainer {
namespace {

using v1::OptimizerConfig;

OptimizerConfig Config(OptimizerConfig::Schedule schedule) {
  OptimizerConfig config;
  config.set_schedule(schedule);
  return config;
}

TEST(ScheduleTest, StaysAtOneWhenConstant) {
  EXPECT_EQ(LearningRateFactor(Config(OptimizerConfig::SCHEDULE_CONSTANT), 0, 100, 10), 1);
  EXPECT_EQ(LearningRateFactor(Config(OptimizerConfig::SCHEDULE_CONSTANT), 99, 100, 10), 1);
}

TEST(ScheduleTest, RisesOverTheFirstTwentiethAndThenFallsAlongACosine) {
  const auto at = [](int64_t step) { return LearningRateFactor(Config(OptimizerConfig::SCHEDULE_COSINE), step, 1000, 10); };

  EXPECT_NEAR(at(0), 1.0 / 51, 1e-12);
  EXPECT_NEAR(at(24), 25.0 / 51, 1e-12);
  EXPECT_NEAR(at(50), 1, 1e-12);
  EXPECT_NEAR(at(50 + 475), 0.5, 1e-12);
  EXPECT_LT(at(999), 1e-5);
  for (int64_t step = 51; step < 1000; ++step) {
    EXPECT_LT(at(step), at(step - 1));
  }
}

TEST(ScheduleTest, TakesRunsThatAreTooShortToWarmUp) {
  EXPECT_EQ(LearningRateFactor(Config(OptimizerConfig::SCHEDULE_COSINE), 0, 1, 1), 1);
  EXPECT_GT(LearningRateFactor(Config(OptimizerConfig::SCHEDULE_COSINE), 2, 3, 3), 0);
}

TEST(ScheduleTest, DecaysByTheFactorLittleByLittleOrAllAtOnce) {
  OptimizerConfig config = Config(OptimizerConfig::SCHEDULE_EXPONENTIAL);
  config.set_decay_factor(0.94);
  config.set_decay_epochs(1);
  EXPECT_EQ(LearningRateFactor(config, 0, 1000, 10), 1);
  EXPECT_NEAR(LearningRateFactor(config, 10, 1000, 10), 0.94, 1e-12);
  EXPECT_NEAR(LearningRateFactor(config, 25, 1000, 10), std::pow(0.94, 2.5), 1e-12);
  config = Config(OptimizerConfig::SCHEDULE_STEP);
  config.set_decay_factor(0.1);
  config.set_decay_epochs(3);
  EXPECT_EQ(LearningRateFactor(config, 29, 1000, 10), 1);
  EXPECT_NEAR(LearningRateFactor(config, 30, 1000, 10), 0.1, 1e-12);
  EXPECT_NEAR(LearningRateFactor(config, 65, 1000, 10), 0.01, 1e-12);
}

}  // namespace
}  // namespace semblance::trainer
