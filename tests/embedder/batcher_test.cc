#include "embedder/batcher.h"

#include <algorithm>
#include <future>
#include <memory>
#include <random>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "tests/testing/fake_embedder.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_images.h"

namespace semblance::embedder {
namespace {

using ::semblance::testing::FakeEmbedder;
using ::semblance::testing::HasReason;
using ::semblance::testing::SolidImage;
using ::semblance::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::SizeIs;

constexpr int kDimension = 5;

using Answer = std::future<absl::StatusOr<EmbedResult>>;

std::vector<Image> Images(int count, uint8_t value) {
  return std::vector<Image>(static_cast<size_t>(count), SolidImage(8, 8, 1, value));
}

Answer Ask(Batcher* batcher, std::vector<Image> images, Priority priority = Priority::kInteractive,
           absl::Time deadline = absl::InfiniteFuture(), std::stop_token cancelled = {}) {
  auto promise = std::make_shared<std::promise<absl::StatusOr<EmbedResult>>>();
  Answer answer = promise->get_future();
  batcher->Embed(std::move(images), priority, deadline, std::move(cancelled),
                 [promise](absl::StatusOr<EmbedResult> result) { promise->set_value(std::move(result)); });
  return answer;
}

BatcherOptions Options(int max_batch_size, int max_queued_images = 1024) {
  BatcherOptions options;
  options.max_batch_size = max_batch_size;
  options.max_queued_images = max_queued_images;
  return options;
}

// The network of this batcher is busy with one image of value 0 until the gate opens. Requests that arrive meanwhile wait.
class BatcherTest : public ::testing::Test {
 protected:
  void Start(const BatcherOptions& options) {
    embedder_.CloseGate();
    batcher_ = NewBatcher(&embedder_, options);
    first_ = Ask(batcher_.get(), Images(1, 0));
    embedder_.AwaitCallAtGate();
  }

  void TearDown() override {
    embedder_.OpenGate();
    batcher_.reset();
  }

  FakeEmbedder embedder_{kDimension};
  std::unique_ptr<Batcher> batcher_;
  Answer first_;
};

TEST_F(BatcherTest, EveryImageGetsItsOwnVector) {
  batcher_ = NewBatcher(&embedder_, Options(3));
  std::vector<Image> images;
  for (int i = 0; i < 8; ++i) {
    images.push_back(SolidImage(8, 8, 1, static_cast<uint8_t>(i)));
  }
  std::vector<float> expected;
  for (const Image& image : images) {
    const std::vector<float> vector = embedder_.VectorOf(image);
    expected.insert(expected.end(), vector.begin(), vector.end());
  }

  ASSERT_OK_AND_ASSIGN(const EmbedResult result, Ask(batcher_.get(), images).get());

  EXPECT_EQ(result.vectors, expected);
  EXPECT_GE(result.queue, absl::ZeroDuration());
  EXPECT_GT(result.infer, absl::ZeroDuration());
}

TEST_F(BatcherTest, WhatWaitsTogetherRunsTogetherUpToTheLimit) {
  Start(Options(4));
  Answer a = Ask(batcher_.get(), Images(3, 1));
  Answer b = Ask(batcher_.get(), Images(3, 2));
  EXPECT_EQ(batcher_->queued_images(), 6);

  embedder_.OpenGate();

  EXPECT_OK(first_.get());
  EXPECT_THAT(a.get()->vectors, SizeIs(3 * kDimension));
  EXPECT_THAT(b.get()->vectors, SizeIs(3 * kDimension));
  EXPECT_THAT(embedder_.calls(), ElementsAre(ElementsAre(0), ElementsAre(1, 1, 1, 2), ElementsAre(2, 2)));
  EXPECT_EQ(batcher_->queued_images(), 0);
}

TEST_F(BatcherTest, InteractiveWorkOvertakesBulkWork) {
  Start(Options(4));
  Answer bulk = Ask(batcher_.get(), Images(4, 2), Priority::kBulk);
  Answer interactive = Ask(batcher_.get(), Images(4, 1));

  embedder_.OpenGate();
  EXPECT_OK(bulk.get());
  EXPECT_OK(interactive.get());

  EXPECT_THAT(embedder_.calls(), ElementsAre(ElementsAre(0), ElementsAre(1, 1, 1, 2), ElementsAre(1, 2, 2, 2)));
}

TEST_F(BatcherTest, AnIncompleteBatchWaitsForCompany) {
  BatcherOptions options = Options(3);
  options.max_queue_delay = absl::InfiniteDuration();
  batcher_ = NewBatcher(&embedder_, options);

  Answer a = Ask(batcher_.get(), Images(1, 1));
  Answer b = Ask(batcher_.get(), Images(1, 2));
  Answer c = Ask(batcher_.get(), Images(1, 3));

  EXPECT_OK(a.get());
  EXPECT_OK(b.get());
  EXPECT_OK(c.get());
  EXPECT_THAT(embedder_.calls(), ElementsAre(ElementsAre(1, 2, 3)));
}

TEST_F(BatcherTest, AnIncompleteBatchRunsWhenItHasWaitedLongEnough) {
  BatcherOptions options = Options(3);
  options.max_queue_delay = absl::Milliseconds(1);
  batcher_ = NewBatcher(&embedder_, options);

  EXPECT_OK(Ask(batcher_.get(), Images(1, 1)).get());
}

TEST_F(BatcherTest, ADeadlineThatPassesInTheQueueIsAnsweredWhileTheNetworkIsBusy) {
  Start(Options(4));

  Answer answer = Ask(batcher_.get(), Images(2, 1), Priority::kInteractive, absl::Now() + absl::Milliseconds(2));

  // The gate is still closed here.
  EXPECT_THAT(answer.get(), StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_EQ(batcher_->queued_images(), 0);
}

TEST_F(BatcherTest, ADeadlineInThePastIsRefusedAtOnce) {
  batcher_ = NewBatcher(&embedder_, Options(4));

  EXPECT_THAT(Ask(batcher_.get(), Images(1, 1), Priority::kBulk, absl::InfinitePast()).get(),
              StatusIs(absl::StatusCode::kDeadlineExceeded));

  EXPECT_THAT(embedder_.calls(), SizeIs(0));
}

TEST_F(BatcherTest, CancelledWorkDoesNotRun) {
  Start(Options(4));
  std::stop_source cancelled;
  Answer answer = Ask(batcher_.get(), Images(1, 1), Priority::kInteractive, absl::InfiniteFuture(), cancelled.get_token());

  cancelled.request_stop();
  embedder_.OpenGate();

  EXPECT_THAT(answer.get(), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_OK(first_.get());
  EXPECT_THAT(embedder_.calls(), ElementsAre(ElementsAre(0)));
}

TEST_F(BatcherTest, AFullQueueRefusesAndSaysWhenToTryAgain) {
  Start(Options(4, /*max_queued_images=*/6));
  Answer fits = Ask(batcher_.get(), Images(6, 1));

  const absl::StatusOr<EmbedResult> refused = Ask(batcher_.get(), Images(1, 2)).get();

  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(refused, HasReason("QUEUE_FULL"));
  EXPECT_GT(RetryDelay(refused.status()).value_or(absl::ZeroDuration()), absl::ZeroDuration());
  embedder_.OpenGate();
  EXPECT_OK(fits.get());
  EXPECT_OK(Ask(batcher_.get(), Images(6, 3)).get());
}

TEST_F(BatcherTest, ARequestThatCanNeverFitIsTheCallersFault) {
  batcher_ = NewBatcher(&embedder_, Options(4, /*max_queued_images=*/6));

  const absl::StatusOr<EmbedResult> refused = Ask(batcher_.get(), Images(7, 1)).get();

  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(refused, HasReason("LIMIT_EXCEEDED"));
}

TEST_F(BatcherTest, AFailureOfTheNetworkReachesEveryRequestOfTheBatchOnceAndNoOther) {
  Start(Options(4));
  Answer split = Ask(batcher_.get(), Images(6, 1));  // Its rest must not run.
  embedder_.FailWith(absl::InternalError("the library failed"));

  embedder_.OpenGate();

  EXPECT_THAT(first_.get(), StatusIs(absl::StatusCode::kInternal));
  EXPECT_THAT(split.get(), StatusIs(absl::StatusCode::kInternal));
  embedder_.FailWith(absl::OkStatus());
  EXPECT_OK(Ask(batcher_.get(), Images(1, 2)).get());
  // After the failure each image is tried by itself.
  EXPECT_THAT(embedder_.calls(), ElementsAre(ElementsAre(0), ElementsAre(1, 1, 1, 1), ElementsAre(1), ElementsAre(1),
                                             ElementsAre(1), ElementsAre(1), ElementsAre(2)));
}

absl::Status Overflow() {
  return Error(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_INVALID_VECTOR, "the embedding is NaN");
}

TEST_F(BatcherTest, AnImageThatOverflowsFailsItsOwnRequestAlone) {
  Start(Options(8));
  embedder_.FailOn(66, Overflow());
  Answer before = Ask(batcher_.get(), Images(2, 1));
  std::vector<Image> images = Images(3, 2);
  images[1] = Images(1, 66)[0];
  Answer bad = Ask(batcher_.get(), images);
  Answer after = Ask(batcher_.get(), Images(2, 3));

  embedder_.OpenGate();

  const absl::StatusOr<EmbedResult> failure = bad.get();
  EXPECT_THAT(failure, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(failure, HasReason("INVALID_VECTOR"));
  EXPECT_EQ(ErrorField(failure.status()), "images[1]");
  const std::vector<float> expected = embedder_.VectorOf(Images(1, 3)[0]);
  ASSERT_OK_AND_ASSIGN(const EmbedResult right, after.get());
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), right.vectors.begin()));
  EXPECT_OK(before.get());
  // Only the image without a right row is embedded again.
  EXPECT_THAT(embedder_.calls(), ElementsAre(ElementsAre(0), ElementsAre(1, 1, 2, 66, 2, 3, 3), ElementsAre(66)));
}

TEST_F(BatcherTest, AnImageOnWhichTheNetworkThrowsFailsItsOwnRequestAlone) {
  Start(Options(8));
  embedder_.FailOn(66, absl::InternalError("the program raised an exception"));
  Answer good = Ask(batcher_.get(), Images(2, 1));
  Answer bad = Ask(batcher_.get(), Images(1, 66));

  embedder_.OpenGate();

  EXPECT_OK(good.get());
  EXPECT_THAT(bad.get(), StatusIs(absl::StatusCode::kInternal));
}

TEST_F(BatcherTest, NamesTheImageOfARequestThatWasSplit) {
  Start(Options(4));
  embedder_.FailOn(66, Overflow());
  std::vector<Image> images = Images(7, 1);
  images[6] = Images(1, 66)[0];
  Answer answer = Ask(batcher_.get(), images);

  embedder_.OpenGate();

  EXPECT_EQ(ErrorField(answer.get().status()), "images[6]");
}

TEST_F(BatcherTest, AStuckNetworkFailsWhatItHoldsAndWhatComesUntilItsBatchEnds) {
  BatcherOptions options = Options(4);
  options.stuck_after = absl::Milliseconds(1);
  Start(options);

  EXPECT_THAT(first_.get(), HasReason("NO_ACTIVE_GENERATION"));  // The gate is still closed here.
  EXPECT_TRUE(batcher_->is_stuck());
  const absl::StatusOr<EmbedResult> refused = Ask(batcher_.get(), Images(1, 2)).get();
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_TRUE(RetryDelay(refused.status()).has_value());

  embedder_.OpenGate();
  while (!Ask(batcher_.get(), Images(1, 3)).get().ok()) {
    std::this_thread::yield();
  }
  EXPECT_FALSE(batcher_->is_stuck());
}

TEST_F(BatcherTest, EstimatesTheTimeFromTheBatchesBefore) {
  batcher_ = NewBatcher(&embedder_, Options(4));
  EXPECT_EQ(batcher_->EstimatedTime(Priority::kInteractive, 5), absl::ZeroDuration());
  EXPECT_OK(Ask(batcher_.get(), Images(1, 1)).get());
  const absl::Duration one = batcher_->EstimatedTime(Priority::kInteractive, 1);
  EXPECT_GT(one, absl::ZeroDuration());
  EXPECT_EQ(batcher_->EstimatedTime(Priority::kInteractive, 0), absl::ZeroDuration());

  embedder_.CloseGate();
  Answer running = Ask(batcher_.get(), Images(1, 1));
  embedder_.AwaitCallAtGate();
  Answer waiting = Ask(batcher_.get(), Images(3, 1));
  EXPECT_EQ(batcher_->EstimatedTime(Priority::kInteractive, 2), one * 5.5);
  EXPECT_EQ(batcher_->EstimatedTime(Priority::kBulk, 2), one * 8.5);

  embedder_.OpenGate();
  EXPECT_OK(running.get());
  EXPECT_OK(waiting.get());
}

TEST_F(BatcherTest, DestructionEndsTheRunningBatchAndRefusesTheRest) {
  Start(Options(4));
  Answer waiting = Ask(batcher_.get(), Images(1, 1));

  std::thread destroyer([this] { batcher_.reset(); });
  embedder_.OpenGate();
  destroyer.join();

  EXPECT_OK(first_.get());
  const absl::StatusOr<EmbedResult> rest = waiting.get();  // It may have slipped into a batch before the end.
  EXPECT_TRUE(rest.ok() || ReasonOf(rest.status()) == v1::ERROR_REASON_DRAINING) << rest.status();
}

TEST_F(BatcherTest, DestructionRefusesWhatWaitsForCompany) {
  BatcherOptions options = Options(3);
  options.max_queue_delay = absl::InfiniteDuration();
  batcher_ = NewBatcher(&embedder_, options);
  Answer waiting = Ask(batcher_.get(), Images(1, 1));

  batcher_.reset();

  const absl::StatusOr<EmbedResult> refused = waiting.get();
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(refused, HasReason("DRAINING"));
}

TEST_F(BatcherTest, TellsTheSizeOfEveryBatch) {
  BatcherOptions options = Options(4);
  auto sizes = std::make_shared<std::vector<int>>();
  options.on_batch = [sizes](int size, absl::Duration) { sizes->push_back(size); };
  Start(options);
  Answer a = Ask(batcher_.get(), Images(6, 1));

  embedder_.OpenGate();
  EXPECT_OK(a.get());

  EXPECT_THAT(*sizes, ElementsAre(1, 4, 2));
}

TEST_F(BatcherTest, ManyThreadsGetTheirOwnVectors) {
  batcher_ = NewBatcher(&embedder_, Options(8, 100000));
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 100; ++i) {
        const auto value = static_cast<uint8_t>(t * 60 + i % 60);
        const int count = 1 + i % 11;
        const absl::StatusOr<EmbedResult> result =
            Ask(batcher_.get(), Images(count, value), i % 3 == 0 ? Priority::kBulk : Priority::kInteractive).get();
        const std::vector<float> expected = embedder_.VectorOf(SolidImage(8, 8, 1, value));
        bool equal = result.ok() && result->vectors.size() == static_cast<size_t>(count * kDimension);
        for (int k = 0; equal && k < count; ++k) {
          equal = std::equal(expected.begin(), expected.end(), result->vectors.begin() + k * kDimension);
        }
        right += equal ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }

  EXPECT_EQ(right, 400);
}

TEST(BatcherOptionsTest, RangesAreChecked) {
  EXPECT_OK(BatcherOptions().Validate());
  BatcherOptions options;
  options.max_batch_size = 0;
  EXPECT_THAT(options.Validate(), StatusIs(absl::StatusCode::kInvalidArgument));
  options = BatcherOptions();
  options.max_queue_delay = -absl::Nanoseconds(1);
  EXPECT_THAT(options.Validate(), StatusIs(absl::StatusCode::kInvalidArgument));
  options = BatcherOptions();
  options.stuck_after = absl::ZeroDuration();
  EXPECT_THAT(options.Validate(), StatusIs(absl::StatusCode::kInvalidArgument));
  options = BatcherOptions();
  options.max_queued_images = 0;
  EXPECT_THAT(options.Validate(), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace semblance::embedder
