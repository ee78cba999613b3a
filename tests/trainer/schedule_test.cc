#include "trainer/schedule.h"

#include "gtest/gtest.h"

namespace semblance {
namespace {

using v1::OptimizerConfig;

TEST(ScheduleTest, StaysAtOneWhenConstant) {
  EXPECT_EQ(LearningRateFactor(OptimizerConfig::SCHEDULE_CONSTANT, 0, 100), 1);
  EXPECT_EQ(LearningRateFactor(OptimizerConfig::SCHEDULE_CONSTANT, 99, 100), 1);
}

TEST(ScheduleTest, RisesOverTheFirstTwentiethAndThenFallsAlongACosine) {
  const auto at = [](int64_t step) { return LearningRateFactor(OptimizerConfig::SCHEDULE_COSINE, step, 1000); };

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
  EXPECT_EQ(LearningRateFactor(OptimizerConfig::SCHEDULE_COSINE, 0, 1), 1);
  EXPECT_GT(LearningRateFactor(OptimizerConfig::SCHEDULE_COSINE, 2, 3), 0);
}

}  // namespace
}  // namespace semblance
