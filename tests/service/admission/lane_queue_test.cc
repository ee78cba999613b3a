#include "service/admission/lane_queue.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace semblance::testing {
namespace {

using service::LaneOptions;
using service::LaneQueue;
using service::LaneRequest;
using service::LaneWork;
using service::Refusal;

// The requests of these tests have names. A request takes a second for each unit of cost, once the queue has learned that.
class LaneQueueTest : public ::testing::Test {
 protected:
  static LaneOptions Options() { return {.threads = 1, .max_queued = 100, .max_wait = absl::InfiniteDuration()}; }

  LaneRequest Request(absl::string_view name, absl::Duration time_left, double cost = 1) {
    LaneRequest request;
    request.work.cost = cost;
    request.arrival = now_;
    request.deadline = now_ + time_left;
    request.run = [this, name = std::string(name)] { ran_ = name; };
    return request;
  }

  // Makes the queue learn the speed, and leaves one request running that has the cost 1.
  void LearnAndKeepBusy(LaneQueue& queue) {
    queue.Add(Request("first", absl::InfiniteDuration()));
    TakeNext(queue);
    queue.Finish({.cost = 1}, absl::Seconds(1));
    queue.Add(Request("running", absl::InfiniteDuration()));
    TakeNext(queue);
  }

  // Returns the name of the request that is taken, or "".
  std::string TakeNext(LaneQueue& queue) {
    ran_.clear();
    if (auto request = queue.Take(now_, refused_); request.has_value()) {
      request->run();
    }
    return ran_;
  }

  absl::Time now_ = absl::UnixEpoch() + absl::Hours(1000);
  std::string ran_;
  std::vector<Refusal> refused_;
};

TEST_F(LaneQueueTest, AdmitsEverythingBeforeItHasLearnedHowLongWorkTakes) {
  LaneQueue queue(Options());
  for (int i = 0; i < 100; ++i) {
    ASSERT_OK(queue.Admit(Request("a", absl::Milliseconds(1)), now_));
    queue.Add(Request("a", absl::Milliseconds(1)));
  }
  EXPECT_THAT(queue.Admit(Request("b", absl::InfiniteDuration()), now_), HasReason("QUEUE_FULL"));
}

TEST_F(LaneQueueTest, RefusesARequestThatWouldWaitForHalfOfItsTime) {
  LaneQueue queue(Options());
  LearnAndKeepBusy(queue);
  queue.Add(Request("waits", absl::InfiniteDuration(), 4));
  // Half a second of what runs and four seconds of what waits are before the request.
  EXPECT_OK(queue.Admit(Request("a", absl::Seconds(9.1)), now_));
  const absl::Status refused = queue.Admit(Request("b", absl::Seconds(8.9)), now_);
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(refused, HasReason("QUEUE_FULL"));
  EXPECT_GT(RetryDelay(refused).value_or(absl::ZeroDuration()), absl::ZeroDuration());
}

TEST_F(LaneQueueTest, RefusesARequestWhoseOwnWorkTakesTooLong) {
  LaneQueue queue(Options());
  LearnAndKeepBusy(queue);
  EXPECT_OK(queue.Admit(Request("a", absl::Seconds(10), 8), now_));
  EXPECT_THAT(queue.Admit(Request("b", absl::Seconds(10), 9), now_), HasReason("QUEUE_FULL"));
}

TEST_F(LaneQueueTest, AlwaysAdmitsToAnIdleLaneSoThatAWrongEstimateIsCorrected) {
  LaneQueue queue(Options());
  LearnAndKeepBusy(queue);
  EXPECT_THAT(queue.Admit(Request("a", absl::Milliseconds(1)), now_), HasReason("QUEUE_FULL"));
  queue.Finish({.cost = 1}, absl::Hours(1));
  ASSERT_OK(queue.Admit(Request("a", absl::Milliseconds(1)), now_));
  queue.Add(Request("a", absl::Milliseconds(1)));
  EXPECT_EQ(TakeNext(queue), "a");
}

TEST_F(LaneQueueTest, CountsTheStepsAfterTheLane) {
  LaneQueue queue(Options());
  LearnAndKeepBusy(queue);
  LaneRequest waits = Request("waits", absl::InfiniteDuration());
  waits.work.images = 7;
  queue.Add(std::move(waits));
  LaneRequest request = Request("a", absl::Seconds(30));
  request.work.images = 3;
  int most = 0;
  request.work.later = [&most](int images) {
    most = std::max(most, images);
    return absl::Seconds(2) * images;
  };
  EXPECT_OK(queue.Admit(request, now_));
  EXPECT_EQ(most, 10);
  request.deadline = now_ + absl::Seconds(27);
  EXPECT_THAT(queue.Admit(request, now_), HasReason("QUEUE_FULL"));  // The wait of 14 s is above its half.
}

TEST_F(LaneQueueTest, BoundsTheWaitWhateverTheDeadline) {
  LaneOptions options = Options();
  options.max_wait = absl::Seconds(3);
  LaneQueue queue(options);
  LearnAndKeepBusy(queue);
  queue.Add(Request("waits", absl::InfiniteDuration(), 2));
  EXPECT_OK(queue.Admit(Request("a", absl::InfiniteDuration()), now_));
  queue.Add(Request("a", absl::InfiniteDuration()));
  EXPECT_THAT(queue.Admit(Request("b", absl::InfiniteDuration()), now_), HasReason("QUEUE_FULL"));
}

TEST_F(LaneQueueTest, AdmitsNothingThatEndsAfterTheShutdown) {
  LaneQueue queue(Options());
  LearnAndKeepBusy(queue);
  queue.AnswerUntil(now_ + absl::Seconds(2));
  EXPECT_OK(queue.Admit(Request("a", absl::InfiniteDuration()), now_));
  queue.Add(Request("a", absl::InfiniteDuration()));
  const absl::Status refused = queue.Admit(Request("b", absl::InfiniteDuration()), now_);
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(refused, HasReason("DRAINING"));
  EXPECT_TRUE(RetryDelay(refused).has_value());
}

TEST_F(LaneQueueTest, ServesTheOldestFirstUntilItsTimeRunsOut) {
  LaneQueue queue(Options());
  for (const char* name : {"a", "b", "c", "d"}) {
    queue.Add(Request(name, absl::Seconds(8)));
    now_ += absl::Seconds(1);
  }
  EXPECT_EQ(TakeNext(queue), "a");
  now_ += absl::Seconds(4);  // "b" has waited for seven of its eight seconds.
  EXPECT_EQ(TakeNext(queue), "d");
  EXPECT_EQ(TakeNext(queue), "c");
  EXPECT_EQ(TakeNext(queue), "b");
  EXPECT_EQ(TakeNext(queue), "");
}

TEST_F(LaneQueueTest, DropsWhatIsExpiredCancelledOrCannotBeFinished) {
  LaneQueue queue(Options());
  LearnAndKeepBusy(queue);
  std::stop_source client;
  LaneRequest cancelled = Request("cancelled", absl::Seconds(100));
  cancelled.cancelled = client.get_token();
  client.request_stop();
  queue.Add(std::move(cancelled));
  queue.Add(Request("expired", absl::ZeroDuration()));
  queue.Add(Request("too long", absl::Seconds(4), 5));
  queue.Add(Request("fits", absl::Seconds(100), 5));
  EXPECT_EQ(TakeNext(queue), "fits");
  ASSERT_EQ(refused_.size(), 3u);
  EXPECT_EQ(queue.size(), 0u);
  for (const Refusal& refusal : refused_) {
    EXPECT_TRUE(absl::IsDeadlineExceeded(refusal.status) || absl::IsCancelled(refusal.status)) << refusal.status;
  }
}

TEST_F(LaneQueueTest, RunsAnUnlikelyRequestWhileNothingElseRuns) {
  LaneQueue queue(Options());
  LearnAndKeepBusy(queue);
  queue.Finish({.cost = 1}, absl::Hours(1));
  queue.Add(Request("a", absl::Seconds(1)));
  EXPECT_EQ(TakeNext(queue), "a");
}

TEST_F(LaneQueueTest, TakesOutWhatIsUnwantedAndKeepsTheRest) {
  LaneQueue queue(Options());
  queue.Add(Request("a", absl::Seconds(1)));
  queue.Add(Request("b", absl::Seconds(3)));
  queue.Add(Request("c", absl::Seconds(2)));
  EXPECT_EQ(queue.earliest_deadline(), now_ + absl::Seconds(1));
  now_ += absl::Seconds(2);
  EXPECT_EQ(queue.TakeUnwanted(now_).size(), 2u);
  EXPECT_EQ(queue.earliest_deadline(), now_ + absl::Seconds(1));
  EXPECT_EQ(TakeNext(queue), "b");
  EXPECT_EQ(queue.earliest_deadline(), absl::InfiniteFuture());
}

}  // namespace
}  // namespace semblance::testing
