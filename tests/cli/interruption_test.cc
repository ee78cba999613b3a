#include "cli/client/interruption.h"

#include <signal.h>

#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"

namespace semblance::cli {
namespace {

TEST(InterruptionTest, NotesEitherSignal) {
  for (const int signal : {SIGINT, SIGTERM}) {
    Interruption interruption;
    EXPECT_FALSE(interruption.happened());
    EXPECT_FALSE(interruption.WaitFor(absl::ZeroDuration()));
    ::raise(signal);
    EXPECT_TRUE(interruption.WaitFor(absl::Minutes(1)));
    EXPECT_TRUE(interruption.happened());
  }
}

TEST(InterruptionTest, RunsTheActionThatIsSetOrIsSetLater) {
  Interruption interruption;
  absl::Notification first;
  interruption.SetAction([&first] { first.Notify(); });
  ::raise(SIGINT);
  EXPECT_TRUE(first.WaitForNotificationWithTimeout(absl::Minutes(1)));
  bool second = false;
  interruption.SetAction([&second] { second = true; });
  EXPECT_TRUE(second);
}

TEST(InterruptionTest, RunsNoActionThatWasTakenAway) {
  Interruption interruption;
  bool run = false;
  interruption.SetAction([&run] { run = true; });
  interruption.SetAction(nullptr);
  ::raise(SIGINT);
  EXPECT_TRUE(interruption.WaitFor(absl::Minutes(1)));
  EXPECT_FALSE(run);
}

TEST(InterruptionTest, LeavesSignalsAsTheyWere) {
  struct sigaction before = {};
  ::sigaction(SIGINT, nullptr, &before);
  { const Interruption interruption; }
  struct sigaction after = {};
  ::sigaction(SIGINT, nullptr, &after);
  EXPECT_EQ(before.sa_handler, after.sa_handler);
}

}  // namespace
}  // namespace semblance::cli
