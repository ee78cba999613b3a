#include "service/engine/request_threads.h"

#include <future>
#include <memory>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"

namespace semblance::testing {
namespace {

using service::CallContext;
using service::Lane;
using service::LaneWork;
using service::RequestThreads;

class RequestThreadsTest : public ::testing::TestWithParam<Lane> {
 protected:
  // Returns the status that a request ends with. It is OK when the request ran.
  std::future<absl::Status> Submit(Lane lane, const CallContext& context = {}) {
    auto status = std::make_shared<std::promise<absl::Status>>();
    threads_.Submit(
        lane, context, LaneWork(), [status] { status->set_value(absl::OkStatus()); },
        [status](const absl::Status& refusal) { status->set_value(refusal); });
    return status->get_future();
  }

  // Keeps the thread of a lane busy until the promise is set.
  std::promise<void> Block(Lane lane) {
    std::promise<void> release;
    std::promise<void> running;
    threads_.Continue(lane, [&running, released = std::make_shared<std::future<void>>(release.get_future())] {
      running.set_value();
      released->wait();
    });
    running.get_future().wait();
    return release;
  }

  FakeClock clock_;
  RequestThreads threads_{{.threads = 1, .max_queued = 2}, &clock_};
};

TEST_P(RequestThreadsTest, RequestsOfOtherLanesDoNotWait) {
  std::promise<void> blocked = Block(GetParam());
  for (const Lane lane : {Lane::kLookups, Lane::kImages, Lane::kWrites}) {
    if (lane != GetParam()) {
      EXPECT_OK(Submit(lane).get());
    }
  }
  auto waits = Submit(GetParam());
  EXPECT_EQ(threads_.queued(GetParam()), 1u);
  blocked.set_value();
  EXPECT_OK(waits.get());
}

TEST_P(RequestThreadsTest, ADeadlineThatPassesEndsTheWait) {
  std::promise<void> blocked = Block(GetParam());
  CallContext context;
  context.deadline = clock_.Now() + absl::Seconds(1);
  auto late = Submit(GetParam(), context);
  clock_.AdvanceToNext();
  EXPECT_THAT(late.get(), StatusIs(absl::StatusCode::kDeadlineExceeded));
  blocked.set_value();
}

TEST_P(RequestThreadsTest, RefusesDuringAShutdownWhatItCouldNotAnswer) {
  threads_.AnswerUntil(clock_.Now() - absl::Seconds(1));
  EXPECT_OK(Submit(GetParam()).get());  // The lane is idle.
  std::promise<void> blocked = Block(GetParam());
  auto waits = Submit(GetParam());
  EXPECT_THAT(Submit(GetParam()).get(), HasReason("DRAINING"));
  blocked.set_value();
  EXPECT_OK(waits.get());
}

INSTANTIATE_TEST_SUITE_P(Lanes, RequestThreadsTest, ::testing::Values(Lane::kLookups, Lane::kImages, Lane::kWrites));

}  // namespace
}  // namespace semblance::testing
