#include "embedder/batch_queue.h"

#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "tests/testing/status_matchers.h"

namespace semblance::embedder {
namespace {

using ::semblance::testing::StatusIs;
using ::testing::ElementsAre;

const absl::Time kNow = absl::FromUnixSeconds(1'000'000);

// The tests tell images apart by their width.
EmbedRequestPtr Request(Priority priority, const std::vector<int>& widths, absl::Time deadline = absl::InfiniteFuture()) {
  auto request = std::make_shared<EmbedRequest>();
  request->priority = priority;
  request->arrival = kNow;
  request->deadline = deadline;
  for (const int width : widths) {
    request->images.push_back({width, 0, 1, {}});
  }
  return request;
}

std::vector<int> Widths(const QueuedBatch& batch) {
  std::vector<int> widths;
  for (const Image& image : batch.images) {
    widths.push_back(image.width);
  }
  return widths;
}

TEST(BatchQueueTest, RequestsAreTakenInOrderAndSplit) {
  BatchQueue queue;
  queue.Add(Request(Priority::kInteractive, {1, 2}));
  queue.Add(Request(Priority::kInteractive, {3, 4, 5}));
  EXPECT_EQ(queue.waiting(), 5u);

  const QueuedBatch first = queue.Take(3, kNow);
  const QueuedBatch second = queue.Take(3, kNow);

  EXPECT_THAT(Widths(first), ElementsAre(1, 2, 3));
  EXPECT_THAT(Widths(second), ElementsAre(4, 5));
  ASSERT_EQ(first.parts.size(), 2u);
  EXPECT_EQ(first.parts[1].first, 0u);
  EXPECT_EQ(first.parts[1].count, 1u);
  ASSERT_EQ(second.parts.size(), 1u);
  EXPECT_EQ(second.parts[0].first, 1u);
  EXPECT_EQ(second.parts[0].request, first.parts[1].request);
  EXPECT_EQ(queue.waiting(), 0u);
}

TEST(BatchQueueTest, InteractiveWorkGoesFirstAndBulkWorkGetsAQuarter) {
  BatchQueue queue;
  queue.Add(Request(Priority::kBulk, std::vector<int>(100, 2)));
  queue.Add(Request(Priority::kInteractive, std::vector<int>(100, 1)));

  const QueuedBatch batch = queue.Take(8, kNow);

  EXPECT_THAT(Widths(batch), ElementsAre(1, 1, 1, 1, 1, 1, 2, 2));
}

TEST(BatchQueueTest, BulkWorkGetsAQuarterOfBatchesOfOneToo) {
  BatchQueue queue;
  queue.Add(Request(Priority::kBulk, std::vector<int>(100, 2)));
  queue.Add(Request(Priority::kInteractive, std::vector<int>(100, 1)));

  std::vector<int> order;
  for (int i = 0; i < 8; ++i) {
    order.push_back(Widths(queue.Take(1, kNow)).at(0));
  }

  EXPECT_THAT(order, ElementsAre(1, 1, 1, 2, 1, 1, 1, 2));
}

TEST(BatchQueueTest, SlotsThatOneKindDoesNotNeedGoToTheOther) {
  BatchQueue queue;
  queue.Add(Request(Priority::kBulk, std::vector<int>(100, 2)));
  queue.Add(Request(Priority::kInteractive, {1}));
  EXPECT_THAT(Widths(queue.Take(4, kNow)), ElementsAre(1, 2, 2, 2));
  EXPECT_THAT(Widths(queue.Take(4, kNow)), ElementsAre(2, 2, 2, 2));

  BatchQueue other;
  other.Add(Request(Priority::kBulk, {2}));
  other.Add(Request(Priority::kInteractive, std::vector<int>(100, 1)));
  EXPECT_THAT(Widths(other.Take(8, kNow)), ElementsAre(1, 1, 1, 1, 1, 1, 1, 2));
}

TEST(BatchQueueTest, ExpiredAndCancelledRequestsAreRemovedWithTheirReason) {
  BatchQueue queue;
  std::stop_source cancelled;
  cancelled.request_stop();
  const EmbedRequestPtr expired = Request(Priority::kBulk, {1, 2}, kNow);
  const EmbedRequestPtr gone = Request(Priority::kInteractive, {3});
  gone->cancelled = cancelled.get_token();
  queue.Add(expired);
  queue.Add(gone);
  queue.Add(Request(Priority::kInteractive, {4}, kNow + absl::Nanoseconds(1)));

  const std::vector<Verdict> verdicts = queue.RemoveUnwanted(kNow);

  ASSERT_EQ(verdicts.size(), 2u);
  EXPECT_EQ(verdicts[0].request, gone);
  EXPECT_THAT(verdicts[0].status, StatusIs(absl::StatusCode::kCancelled));
  EXPECT_EQ(verdicts[1].request, expired);
  EXPECT_THAT(verdicts[1].status, StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_EQ(queue.waiting(), 1u);
  EXPECT_THAT(Widths(queue.Take(8, kNow)), ElementsAre(4));
}

TEST(BatchQueueTest, TheRestOfASettledRequestIsRemovedWithoutAnotherVerdict) {
  BatchQueue queue;
  const EmbedRequestPtr request = Request(Priority::kInteractive, {1, 2, 3});
  queue.Add(request);
  queue.Take(1, kNow);
  request->settled = true;

  EXPECT_TRUE(queue.RemoveUnwanted(kNow).empty());

  EXPECT_EQ(queue.waiting(), 0u);
}

TEST(BatchQueueTest, KnowsItsOldestArrivalAndEarliestDeadline) {
  BatchQueue queue;
  EXPECT_EQ(queue.oldest_arrival(), absl::InfiniteFuture());
  EXPECT_EQ(queue.earliest_deadline(), absl::InfiniteFuture());

  queue.Add(Request(Priority::kBulk, {1}, kNow + absl::Seconds(5)));
  queue.Add(Request(Priority::kBulk, {1}, kNow + absl::Seconds(3)));

  EXPECT_EQ(queue.oldest_arrival(), kNow);
  EXPECT_EQ(queue.earliest_deadline(), kNow + absl::Seconds(3));
}

TEST(BatchQueueTest, RemoveAllGivesEveryRequestTheStatus) {
  BatchQueue queue;
  queue.Add(Request(Priority::kBulk, {1}));
  queue.Add(Request(Priority::kInteractive, {1, 2}));

  const std::vector<Verdict> verdicts = queue.RemoveAll(absl::UnavailableError("over"));

  EXPECT_EQ(verdicts.size(), 2u);
  EXPECT_EQ(queue.waiting(), 0u);
}

}  // namespace
}  // namespace semblance::embedder
