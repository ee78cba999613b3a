#include "common/clock.h"

#include <gtest/gtest.h>

#include <future>
#include <stop_token>

#include "tests/testing/fake_clock.h"

namespace semblance {
namespace {

TEST(SystemClockTest, HasReachedATimeThatHasPassed) {
  SystemClock clock;
  EXPECT_TRUE(clock.WaitUntil(clock.Now() - absl::Hours(1), {}));
}

TEST(SystemClockTest, WaitsUntilTheTimeHasCome) {
  SystemClock clock;
  const absl::Time time = clock.Now() + absl::Milliseconds(2);
  EXPECT_TRUE(clock.WaitUntil(time, {}));
  EXPECT_GE(clock.Now(), time);
}

TEST(SystemClockTest, AStopEndsAWaitThatWouldTakeForEver) {
  SystemClock clock;
  std::stop_source stop;
  auto wait = std::async(std::launch::async, [&] { return clock.WaitUntil(absl::InfiniteFuture(), stop.get_token()); });
  stop.request_stop();
  EXPECT_FALSE(wait.get());
  EXPECT_FALSE(clock.WaitUntil(clock.Now(), stop.get_token()));
}

TEST(FakeClockTest, AWaitEndsWhenTheClockWasAdvancedFarEnough) {
  testing::FakeClock clock;
  auto wait = std::async(std::launch::async, [&] { return clock.WaitUntil(clock.Now() + absl::Seconds(3), {}); });
  EXPECT_EQ(clock.AwaitWaiting(1), absl::Seconds(3));
  clock.Advance(absl::Seconds(2));
  EXPECT_EQ(clock.AwaitWaiting(1), absl::Seconds(1));
  clock.AdvanceToNext();
  EXPECT_TRUE(wait.get());
}

}  // namespace
}  // namespace semblance
