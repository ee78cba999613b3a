#include "service/admission/request_lane.h"

#include <future>
#include <memory>
#include <stop_token>
#include <utility>

#include "gtest/gtest.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"

namespace semblance::testing {
namespace {

using service::LaneRequest;
using service::RequestLane;

class RequestLaneTest : public ::testing::Test {
 protected:
  // Returns the status that a request ends with. It is OK when the request ran.
  std::future<absl::Status> Submit(absl::Time deadline = absl::InfiniteFuture(), std::stop_token cancelled = {}) {
    auto status = std::make_shared<std::promise<absl::Status>>();
    LaneRequest request;
    request.deadline = deadline;
    request.cancelled = std::move(cancelled);
    request.run = [status] { status->set_value(absl::OkStatus()); };
    request.refuse = [status](const absl::Status& refusal) { status->set_value(refusal); };
    lane_.Submit(std::move(request));
    return status->get_future();
  }

  // Keeps the thread busy until the promise is set.
  std::promise<void> Block() {
    std::promise<void> release;
    std::promise<void> running;
    lane_.Continue([&running, released = std::make_shared<std::future<void>>(release.get_future())] {
      running.set_value();
      released->wait();
    });
    running.get_future().wait();
    return release;
  }

  FakeClock clock_;
  RequestLane lane_{"test", {.threads = 1, .max_queued = 2}, &clock_};
};

TEST_F(RequestLaneTest, RunsRequests) {
  EXPECT_OK(Submit().get());
  EXPECT_OK(Submit().get());
}

TEST_F(RequestLaneTest, RefusesWhatDoesNotFitTheQueueButNeverALaterStep) {
  std::promise<void> running = Block();
  auto first = Submit();
  auto second = Submit();
  EXPECT_EQ(lane_.queued(), 2u);
  const absl::Status refused = Submit().get();
  EXPECT_THAT(refused, HasReason("QUEUE_FULL"));
  EXPECT_TRUE(RetryDelay(refused).has_value());
  std::promise<void> later;
  lane_.Continue([&later] { later.set_value(); });
  running.set_value();
  EXPECT_OK(first.get());
  EXPECT_OK(second.get());
  later.get_future().wait();
}

TEST_F(RequestLaneTest, RunsLaterStepsBeforeNewRequests) {
  std::promise<void> running = Block();
  std::promise<bool> request_had_run;
  auto request = Submit();
  lane_.Continue([&] { request_had_run.set_value(request.wait_for(std::chrono::seconds(0)) == std::future_status::ready); });
  running.set_value();
  EXPECT_FALSE(request_had_run.get_future().get());
  EXPECT_OK(request.get());
}

TEST_F(RequestLaneTest, AnswersAnExpiredRequestWhileAllThreadsAreBusy) {
  std::promise<void> running = Block();
  auto late = Submit(clock_.Now() + absl::Seconds(2));
  auto later = Submit(clock_.Now() + absl::Seconds(1));
  clock_.AdvanceToNext();
  EXPECT_THAT(later.get(), StatusIs(absl::StatusCode::kDeadlineExceeded));
  clock_.AdvanceToNext();
  EXPECT_THAT(late.get(), StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_EQ(lane_.queued(), 0u);
  running.set_value();
}

TEST_F(RequestLaneTest, DropsARequestWhoseClientHasGone) {
  std::stop_source client;
  std::promise<void> running = Block();
  auto request = Submit(absl::InfiniteFuture(), client.get_token());
  client.request_stop();
  running.set_value();
  EXPECT_THAT(request.get(), StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(RequestLaneTest, LearnsHowLongRequestsTakeAndRefusesWhatWouldWaitTooLong) {
  LaneRequest slow;
  slow.run = [this] { clock_.Advance(absl::Seconds(10)); };
  lane_.Submit(slow);
  std::promise<void> running;
  std::promise<void> release;
  slow.run = [&] {
    running.set_value();
    release.get_future().wait();
  };
  lane_.Submit(slow);
  running.get_future().wait();
  EXPECT_THAT(Submit(clock_.Now() + absl::Seconds(9)).get(), HasReason("QUEUE_FULL"));
  auto patient = Submit(clock_.Now() + absl::Seconds(100));
  release.set_value();
  EXPECT_OK(patient.get());
}

}  // namespace
}  // namespace semblance::testing
