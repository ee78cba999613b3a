#include "common/program/exit_timer.h"

#include <stop_token>

#include "common/threads/stop.h"
#include "gtest/gtest.h"

namespace semblance {
namespace {

TEST(ExitTimerDeathTest, EndsAProcessThatDoesNotEnd) {
  ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_EXIT(
      {
        ExitTimer timer;
        timer.Start(absl::Milliseconds(1), 75);
        WaitForStop(std::stop_token(), absl::InfiniteDuration());
      },
      ::testing::ExitedWithCode(75), "could not end by itself");
}

TEST(ExitTimerTest, DoesNothingWhenItIsDestroyedInTime) {
  ExitTimer timer;
  timer.Start(absl::Hours(1), 75);
}

TEST(ExitTimerTest, DoesNothingBeforeItIsStarted) {
  const ExitTimer timer;
}

}  // namespace
}  // namespace semblance
