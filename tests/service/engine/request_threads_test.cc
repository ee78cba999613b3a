#include "service/engine/request_threads.h"

#include <future>
#include <memory>
#include <stop_token>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"

namespace semblance::testing {
namespace {

using embedder::Priority;
using service::CallContext;
using service::RequestThreads;

class RequestThreadsTest : public ::testing::Test {
 protected:
  // Returns the status that a request ends with. It is OK when the request ran.
  std::future<absl::Status> Submit(Priority priority, const CallContext& context) {
    auto status = std::make_shared<std::promise<absl::Status>>();
    threads_.Submit(
        priority, context, [status] { status->set_value(absl::OkStatus()); },
        [status](const absl::Status& refusal) { status->set_value(refusal); });
    return status->get_future();
  }

  // Keeps the thread of a priority busy until the promise is set.
  std::promise<void> Block(Priority priority) {
    std::promise<void> release;
    std::promise<void> running;
    threads_.Continue(priority, [&running, released = std::make_shared<std::future<void>>(release.get_future())] {
      running.set_value();
      released->wait();
    });
    running.get_future().wait();
    return release;
  }

  FakeClock clock_;
  RequestThreads threads_{1, /*max_queued=*/2, &clock_};
};

TEST_F(RequestThreadsTest, RunsRequestsOfBothPriorities) {
  EXPECT_OK(Submit(Priority::kInteractive, {}).get());
  EXPECT_OK(Submit(Priority::kBulk, {}).get());
}

TEST_F(RequestThreadsTest, InteractiveRequestsDoNotWaitForBulkWork) {
  std::promise<void> bulk = Block(Priority::kBulk);
  EXPECT_OK(Submit(Priority::kInteractive, {}).get());
  bulk.set_value();
}

TEST_F(RequestThreadsTest, RefusesWhatDoesNotFitTheQueueButNeverALaterStep) {
  std::promise<void> running = Block(Priority::kInteractive);
  auto first = Submit(Priority::kInteractive, {});
  auto second = Submit(Priority::kInteractive, {});
  EXPECT_EQ(threads_.queued(Priority::kInteractive), 2u);
  const absl::Status refused = Submit(Priority::kInteractive, {}).get();
  EXPECT_THAT(refused, HasReason("QUEUE_FULL"));
  EXPECT_TRUE(RetryDelay(refused).has_value());
  std::promise<void> later;
  threads_.Continue(Priority::kInteractive, [&later] { later.set_value(); });
  running.set_value();
  EXPECT_OK(first.get());
  EXPECT_OK(second.get());
  later.get_future().wait();
}

TEST_F(RequestThreadsTest, DropsARequestWhoseTimeIsOverWhenItsTurnComes) {
  std::promise<void> running = Block(Priority::kInteractive);
  CallContext context;
  context.deadline = clock_.Now() + absl::Seconds(1);
  auto late = Submit(Priority::kInteractive, context);
  context.deadline = clock_.Now() + absl::Seconds(2);
  auto in_time = Submit(Priority::kInteractive, context);
  clock_.Advance(absl::Seconds(2));
  running.set_value();
  EXPECT_THAT(late.get(), StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_OK(in_time.get());
}

TEST_F(RequestThreadsTest, DropsARequestWhoseClientHasGone) {
  CallContext context;
  std::stop_source client;
  client.request_stop();
  context.cancelled = client.get_token();
  EXPECT_THAT(Submit(Priority::kInteractive, context).get(), StatusIs(absl::StatusCode::kCancelled));
}

}  // namespace
}  // namespace semblance::testing
