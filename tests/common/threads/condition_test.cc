#include "common/threads/condition.h"

#include <gtest/gtest.h>

#include <chrono>
#include <stop_token>
#include <thread>

#include "absl/time/clock.h"

namespace semblance {
namespace {

class ConditionTest : public ::testing::Test {
 protected:
  void SetValue(int value) {
    {
      const MutexLock lock(&mutex_);
      value_ = value;
    }
    condition_.NotifyAll();
  }

  void WaitForValue(int value) {
    const MutexLock lock(&mutex_);
    EXPECT_TRUE(condition_.Wait(mutex_, /*stop=*/{}, [&]() SEMBLANCE_REQUIRES(mutex_) { return value_ == value; }));
  }

  Mutex mutex_;
  Condition condition_;
  int value_ SEMBLANCE_GUARDED_BY(mutex_) = 0;
};

TEST_F(ConditionTest, LosesNoNotification) {
  // Two threads answer each other. One lost notification leaves both waiting, and the test never ends.
  constexpr int kRounds = 5000;
  std::jthread other([this] {
    for (int round = 1; round < kRounds; round += 2) {
      WaitForValue(round);
      SetValue(round + 1);
    }
  });
  for (int round = 0; round < kRounds; round += 2) {
    WaitForValue(round);
    SetValue(round + 1);
  }
}

TEST_F(ConditionTest, LosesNoStopThatIsRequestedWhileTheWaitBegins) {
  for (int round = 0; round < 2000; ++round) {
    std::stop_source source;
    std::jthread waiting([&] {
      const MutexLock lock(&mutex_);
      EXPECT_FALSE(condition_.Wait(mutex_, source.get_token(), [] { return false; }));
    });
    source.request_stop();
  }
}

TEST_F(ConditionTest, AStopEndsAWaitWithADeadline) {
  std::stop_source source;
  std::jthread waiting([&] {
    const MutexLock lock(&mutex_);
    EXPECT_FALSE(condition_.WaitUntil(mutex_, source.get_token(), absl::Now() + absl::Hours(1), [] { return false; }));
    EXPECT_FALSE(condition_.WaitFor(mutex_, source.get_token(), absl::Hours(1), [] { return false; }));
  });
  source.request_stop();
}

TEST_F(ConditionTest, ReturnsThePredicateAlsoAfterAStop) {
  std::stop_source source;
  source.request_stop();
  const MutexLock lock(&mutex_);
  EXPECT_TRUE(condition_.Wait(mutex_, source.get_token(), [] { return true; }));
  EXPECT_TRUE(condition_.WaitFor(mutex_, source.get_token(), absl::Hours(1), [] { return true; }));
}

TEST_F(ConditionTest, ReturnsAtTheDeadlineWithoutANotification) {
  const auto start = std::chrono::steady_clock::now();
  const MutexLock lock(&mutex_);
  EXPECT_FALSE(condition_.WaitFor(mutex_, /*stop=*/{}, absl::Milliseconds(5), [] { return false; }));
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(5));
  const absl::Time deadline = absl::Now() + absl::Milliseconds(5);
  EXPECT_FALSE(condition_.WaitUntil(mutex_, /*stop=*/{}, deadline, [] { return false; }));
  EXPECT_GE(absl::Now(), deadline);
}

TEST_F(ConditionTest, DoesNotWaitForADeadlineThatHasPassed) {
  const MutexLock lock(&mutex_);
  EXPECT_FALSE(condition_.WaitFor(mutex_, /*stop=*/{}, -absl::InfiniteDuration(), [] { return false; }));
  EXPECT_FALSE(condition_.WaitUntil(mutex_, /*stop=*/{}, absl::InfinitePast(), [] { return false; }));
}

TEST_F(ConditionTest, WaitsForANotificationWhereTheLimitIsInfinite) {
  std::jthread other([this] { SetValue(1); });
  const MutexLock lock(&mutex_);
  const auto is_set = [this]() SEMBLANCE_REQUIRES(mutex_) { return value_ == 1; };
  EXPECT_TRUE(condition_.WaitFor(mutex_, /*stop=*/{}, absl::InfiniteDuration(), is_set));
  EXPECT_TRUE(condition_.WaitUntil(mutex_, /*stop=*/{}, absl::InfiniteFuture(), is_set));
}

}  // namespace
}  // namespace semblance
