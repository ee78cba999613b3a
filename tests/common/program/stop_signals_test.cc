#include "common/program/stop_signals.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <stop_token>

#include "absl/synchronization/notification.h"
#include "common/threads/stop.h"
#include "tests/testing/process.h"

namespace semblance {
namespace {

using Repeated = StopSignals::Repeated;

TEST(StopSignalsTest, EitherSignalRequestsTheStop) {
  for (const int signal : {SIGINT, SIGTERM}) {
    const StopSignals signals({SIGINT, SIGTERM}, Repeated::kEndsProcess);
    EXPECT_FALSE(signals.token().stop_requested());
    ::raise(signal);
    EXPECT_TRUE(WaitForStop(signals.token(), absl::Minutes(1)));
  }
}

TEST(StopSignalsTest, RunsCallbacksOutsideTheSignalHandler) {
  const StopSignals signals({SIGINT}, Repeated::kEndsProcess);
  absl::Notification called;
  const std::stop_callback callback(signals.token(), [&called] { called.Notify(); });
  ::raise(SIGINT);
  EXPECT_TRUE(called.WaitForNotificationWithTimeout(absl::Minutes(1)));
}

TEST(StopSignalsTest, CanBeAskedWithoutASignal) {
  StopSignals signals({SIGTERM}, Repeated::kIgnored);
  signals.RequestStop();
  EXPECT_TRUE(signals.token().stop_requested());
}

TEST(StopSignalsTest, IgnoresASignalThatComesAgain) {
  const StopSignals signals({SIGTERM}, Repeated::kIgnored);
  ::raise(SIGTERM);
  ::raise(SIGTERM);
  EXPECT_TRUE(WaitForStop(signals.token(), absl::Minutes(1)));
  ::raise(SIGTERM);  // A default action would end the test.
}

TEST(StopSignalsDeathTest, EndsTheProcessWhenTheSignalComesAgain) {
  EXPECT_EXIT(
      {
        const StopSignals signals({SIGTERM}, Repeated::kEndsProcess);
        ::raise(SIGTERM);
        WaitForStop(signals.token());
        ::raise(SIGTERM);
      },
      ::testing::KilledBySignal(SIGTERM), "");
}

TEST(StopSignalsTest, LeavesSignalsAsTheyWere) {
  struct sigaction before = {};
  ::sigaction(SIGINT, nullptr, &before);
  { const StopSignals signals({SIGINT}, Repeated::kIgnored); }
  struct sigaction after = {};
  ::sigaction(SIGINT, nullptr, &after);
  EXPECT_EQ(before.sa_handler, after.sa_handler);
}

TEST(StopSignalsTest, ChildProcessesEndBySignalsAsUsual) {
  const StopSignals signals({SIGTERM}, Repeated::kIgnored);
  testing::Process child({"/bin/sh", "-c", "echo started; exec sleep 1000"});
  ASSERT_EQ(child.ReadLine(), "started");
  child.Signal(SIGTERM);
  EXPECT_EQ(child.Wait(), 128 + SIGTERM);
}

}  // namespace
}  // namespace semblance
