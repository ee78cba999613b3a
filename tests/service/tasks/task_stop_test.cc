#include "service/tasks/task_stop.h"

#include "gmock/gmock.h"
#include "tests/testing/status_matchers.h"

namespace semblance::testing {
namespace {

using ::testing::HasSubstr;

TEST(TaskStopTest, IsNotRequestedAtFirst) {
  const service::TaskStopSource source;
  const service::TaskStop stop = source.stop();
  EXPECT_FALSE(stop.requested());
  EXPECT_FALSE(stop.cancelled());
  EXPECT_FALSE(stop.shutting_down());
  EXPECT_OK(stop.Check());
}

TEST(TaskStopTest, TellsACancellationFromAShutdown) {
  service::TaskStopSource cancelled;
  cancelled.Cancel();
  EXPECT_TRUE(cancelled.stop().cancelled());
  EXPECT_FALSE(cancelled.stop().shutting_down());
  EXPECT_EQ(cancelled.stop().Check().message(), "cancelled");

  service::TaskStopSource shut_down;
  shut_down.ShutDown();
  EXPECT_TRUE(shut_down.stop().requested());
  EXPECT_FALSE(shut_down.stop().cancelled());
  EXPECT_TRUE(shut_down.stop().shutting_down());
  EXPECT_THAT(shut_down.stop().Check(), StatusMessage(HasSubstr("shutting down")));
  EXPECT_EQ(shut_down.stop().Check().code(), absl::StatusCode::kCancelled);
}

TEST(TaskStopTest, ACancellationCountsInEitherOrder) {
  service::TaskStopSource first;
  first.Cancel();
  first.ShutDown();
  EXPECT_TRUE(first.stop().cancelled());
  service::TaskStopSource last;
  last.ShutDown();
  last.Cancel();
  EXPECT_TRUE(last.stop().cancelled());
  EXPECT_FALSE(last.stop().shutting_down());
}

TEST(TaskStopTest, OutlivesItsSource) {
  auto source = std::make_unique<service::TaskStopSource>();
  const service::TaskStop stop = source->stop();
  source->Cancel();
  source.reset();
  EXPECT_TRUE(stop.cancelled());
  EXPECT_TRUE(stop.requested());
}

}  // namespace
}  // namespace semblance::testing
