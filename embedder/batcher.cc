#include "embedder/batcher.h"

#include <algorithm>
#include <iterator>
#include <stop_token>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "common/logging.h"
#include "common/threads/condition.h"
#include "common/threads/mutex.h"
#include "common/threads/worker.h"
#include "common/work_rate.h"
#include "embedder/batch_queue.h"
#include "embedder/unit_length.h"

namespace semblance::embedder {
namespace {

constexpr int kMaxBatchSize = 4096;
constexpr absl::Duration kMinRetryDelay = absl::Milliseconds(10);
// A batch that takes this many times as long as expected may be stuck. Other programs on the machine slow a batch down by less.
constexpr int kStuckFactor = 20;
constexpr absl::Duration kStuckRetryDelay = absl::Seconds(5);

absl::Status Draining() {
  return Error(absl::StatusCode::kUnavailable, v1::ERROR_REASON_DRAINING, "the model is being unloaded; try again");
}

absl::Status Stuck() {
  return WithRetryDelay(Error(absl::StatusCode::kUnavailable, v1::ERROR_REASON_NO_ACTIVE_GENERATION,
                              "the model has been working on one batch for far longer than usual"),
                        kStuckRetryDelay);
}

void Tell(std::vector<Verdict> verdicts) {
  for (Verdict& verdict : verdicts) {
    // The callback goes away with its call. A batch that is stuck may hold its requests for ever, but not what their callbacks own.
    const Batcher::Callback done = std::move(verdict.request->done);
    if (verdict.status.ok()) {
      done(std::move(verdict.request->result));
    } else {
      done(std::move(verdict.status));
    }
  }
}

// Returns the first failure among the images of a part, with the image as its field if it is the image's fault.
absl::Status StatusOf(const BatchPart& part, absl::Span<const absl::Status> statuses) {
  for (size_t i = 0; i < part.count; ++i) {
    if (absl::IsInvalidArgument(statuses[i])) {
      return WithFieldPrefix(statuses[i], absl::StrCat("images[", part.first + i, "]"));
    }
    if (!statuses[i].ok()) {
      return statuses[i];
    }
  }
  return absl::OkStatus();
}

// Has two threads: the runner runs batches. The watcher answers requests whose deadline passes while a batch runs, and notices a
// batch that is stuck.
class SerialBatcher final : public Batcher {
 public:
  SerialBatcher(const Embedder* embedder, const BatcherOptions& options)
      : embedder_(embedder),
        options_(options),
        runner_("batcher", [this](const std::stop_token& stop) { RunBatches(stop); }),
        watcher_("batch watcher", [this](const std::stop_token& stop) { Watch(stop); }) {}

  ~SerialBatcher() override {
    {
      const MutexLock lock(&mutex_);
      draining_ = true;
    }
    runner_.Stop();
    watcher_.Stop();
    std::vector<Verdict> verdicts;
    {
      const MutexLock lock(&mutex_);
      verdicts = queue_.RemoveAll(Draining());
    }
    Tell(std::move(verdicts));
  }

  void Embed(std::vector<Image> images, Priority priority, absl::Time deadline, std::stop_token cancelled, Callback done) override {
    auto request = std::make_shared<EmbedRequest>();
    request->images = std::move(images);
    request->priority = priority;
    request->arrival = absl::Now();
    request->deadline = deadline;
    request->cancelled = std::move(cancelled);
    request->done = std::move(done);
    if (absl::Status status = Admit(request); !status.ok()) {
      request->done(std::move(status));
      return;
    }
    work_changed_.NotifyOne();
    times_changed_.NotifyOne();
  }

  int queued_images() const override {
    const MutexLock lock(&mutex_);
    return static_cast<int>(queue_.waiting());
  }

  absl::Duration EstimatedTime(Priority priority, int images) const override {
    const MutexLock lock(&mutex_);
    const size_t others = queue_.waiting(priority == Priority::kBulk ? Priority::kInteractive : Priority::kBulk);
    auto ahead = static_cast<double>(queue_.waiting(priority)) + images;
    if (others > 0) {
      // The other priority gets its share of the slots meanwhile.
      constexpr double kShare = 1.0 / BatchQueue::kBulkShare;
      ahead /= priority == Priority::kBulk ? kShare : 1 - kShare;
    }
    // A running task is half done on average.
    return rate_.TimeFor(ahead + static_cast<double>(running_images_) / 2);
  }

  bool is_stuck() const override {
    const MutexLock lock(&mutex_);
    return stuck_;
  }

 private:
  absl::Status Admit(const EmbedRequestPtr& request) {
    const auto limit = static_cast<size_t>(options_.max_queued_images);
    const size_t count = request->images.size();
    CHECK_GT(count, 0u);
    if (count > limit) {
      return InvalidField("images", v1::ERROR_REASON_LIMIT_EXCEEDED,
                          absl::StrCat(count, " images in one request; the limit is ", limit));
    }
    if (absl::Status status = StillWanted(*request, request->arrival); !status.ok()) {
      return status;
    }
    const MutexLock lock(&mutex_);
    if (draining_) {
      return Draining();
    }
    if (stuck_) {
      return Stuck();
    }
    if (queue_.waiting() + count > limit) {
      const absl::Status full = Error(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_QUEUE_FULL,
                                      absl::StrCat(queue_.waiting(), " images wait for the network; the limit is ", limit));
      return WithRetryDelay(full, TimeToDrain());
    }
    queue_.Add(request);
    return absl::OkStatus();
  }

  absl::Duration TimeToDrain() const SEMBLANCE_REQUIRES(mutex_) {
    return std::max(kMinRetryDelay, rate_.TimeFor(static_cast<double>(queue_.waiting())));
  }

  void RunBatches(const std::stop_token& stop) {
    while (true) {
      std::vector<Verdict> verdicts;
      QueuedBatch batch;
      {
        const MutexLock lock(&mutex_);
        WaitForBatch(stop);
        if (stop.stop_requested()) {
          return;
        }
        const absl::Time now = absl::Now();
        verdicts = queue_.RemoveUnwanted(now);
        batch = queue_.Take(static_cast<size_t>(options_.max_batch_size), now);
        running_ = batch.parts;
        running_images_ = batch.images.size();
        running_since_ = now;
      }
      times_changed_.NotifyOne();
      Tell(std::move(verdicts));
      if (!batch.images.empty()) {
        RunBatch(batch);
      }
    }
  }

  // Waits until a batch is full or the oldest request has waited max_queue_delay.
  void WaitForBatch(const std::stop_token& stop) SEMBLANCE_REQUIRES(mutex_) {
    while (!stop.stop_requested() && !BatchIsFull()) {
      const absl::Time oldest = queue_.oldest_arrival();
      const absl::Time end = oldest + options_.max_queue_delay;
      if (absl::Now() >= end) {
        return;
      }
      work_changed_.WaitUntil(mutex_, stop, end, [this, oldest]() SEMBLANCE_REQUIRES(mutex_) {
        return BatchIsFull() || queue_.oldest_arrival() != oldest;
      });
    }
  }

  bool BatchIsFull() const SEMBLANCE_REQUIRES(mutex_) { return queue_.waiting() >= static_cast<size_t>(options_.max_batch_size); }

  void RunBatch(const QueuedBatch& batch) {
    std::vector<float> vectors(batch.images.size() * static_cast<size_t>(embedder_->dimension()));
    const absl::Time start = absl::Now();
    const std::vector<absl::Status> statuses = EmbedImages(batch.images, absl::MakeSpan(vectors));
    const absl::Duration inference = absl::Now() - start;
    if (options_.on_batch) {
      options_.on_batch(static_cast<int>(batch.images.size()), inference);
    }
    Tell(FinishBatch(batch, statuses, vectors, inference));
  }

  // Returns a status for each image. If the batch fails, each image that may have caused it is embedded by itself.
  std::vector<absl::Status> EmbedImages(absl::Span<const Image> images, absl::Span<float> vectors) const {
    std::vector<absl::Status> statuses(images.size());
    absl::Status status = embedder_->Embed(images, vectors);
    if (images.size() == 1) {
      statuses.front() = std::move(status);
    } else if (!status.ok()) {
      const bool rows_are_written = ReasonOf(status) == v1::ERROR_REASON_INVALID_VECTOR;
      const auto dimension = static_cast<size_t>(embedder_->dimension());
      for (size_t i = 0; i < images.size(); ++i) {
        const absl::Span<float> row = vectors.subspan(i * dimension, dimension);
        if (!rows_are_written || !HasUnitLength(row)) {
          statuses[i] = embedder_->Embed(images.subspan(i, 1), row);
        }
      }
    }
    return statuses;
  }

  std::vector<Verdict> FinishBatch(const QueuedBatch& batch, absl::Span<const absl::Status> statuses,
                                   const std::vector<float>& vectors, absl::Duration inference) {
    const MutexLock lock(&mutex_);
    running_.clear();
    running_images_ = 0;
    if (stuck_) {
      LOG(WARNING) << "the model is not stuck any more: its batch has ended after " << inference;
      stuck_ = false;
    } else {
      rate_.Add(static_cast<double>(batch.images.size()), std::max(inference, absl::ZeroDuration()));
    }
    std::vector<Verdict> verdicts;
    auto from = vectors.begin();
    for (const BatchPart& part : batch.parts) {
      const auto end = from + static_cast<ptrdiff_t>(part.count) * embedder_->dimension();
      EmbedRequest& request = *part.request;
      if (!request.settled) {
        request.result.vectors.insert(request.result.vectors.end(), from, end);
        request.result.infer += inference;
        request.embedded += part.count;
        absl::Status status = StatusOf(part, statuses);
        if (!status.ok() || request.embedded == request.images.size()) {
          request.settled = true;
          verdicts.push_back({part.request, std::move(status)});
        }
      }
      from = end;
      statuses.remove_prefix(part.count);
    }
    return verdicts;
  }

  void Watch(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      std::vector<Verdict> verdicts;
      {
        const MutexLock lock(&mutex_);
        const absl::Time next = NextEvent();
        times_changed_.WaitUntil(mutex_, stop, next, [this, next]() SEMBLANCE_REQUIRES(mutex_) { return NextEvent() < next; });
        const absl::Time now = absl::Now();
        verdicts = now >= StuckTime() ? GiveUp() : queue_.RemoveUnwanted(now);
      }
      Tell(std::move(verdicts));
    }
  }

  absl::Time NextEvent() const SEMBLANCE_REQUIRES(mutex_) { return std::min(queue_.earliest_deadline(), StuckTime()); }

  // When the batch that runs counts as stuck.
  absl::Time StuckTime() const SEMBLANCE_REQUIRES(mutex_) {
    if (running_images_ == 0 || stuck_) {
      return absl::InfiniteFuture();
    }
    const absl::Duration expected = rate_.TimeFor(static_cast<double>(running_images_));
    return running_since_ + std::max(options_.stuck_after, kStuckFactor * expected);
  }

  // Fails everything that the stuck network would have embedded.
  std::vector<Verdict> GiveUp() SEMBLANCE_REQUIRES(mutex_) {
    LOG(ERROR) << "the model is stuck: a batch of " << running_images_ << " images has been running for "
               << absl::Now() - running_since_;
    stuck_ = true;
    std::vector<Verdict> verdicts;
    for (const BatchPart& part : running_) {
      if (!part.request->settled) {
        part.request->settled = true;
        verdicts.push_back({part.request, Stuck()});
      }
    }
    std::vector<Verdict> waiting = queue_.RemoveAll(Stuck());
    std::move(waiting.begin(), waiting.end(), std::back_inserter(verdicts));
    return verdicts;
  }

  const Embedder* const embedder_;
  const BatcherOptions options_;
  mutable Mutex mutex_;
  Condition work_changed_;
  // A request has an earlier deadline than the others, or a batch begins.
  Condition times_changed_;
  BatchQueue queue_ SEMBLANCE_GUARDED_BY(mutex_);
  // The time of inference by the number of images.
  WorkRate rate_ SEMBLANCE_GUARDED_BY(mutex_);
  // The batch that runs.
  std::vector<BatchPart> running_ SEMBLANCE_GUARDED_BY(mutex_);
  size_t running_images_ SEMBLANCE_GUARDED_BY(mutex_) = 0;
  absl::Time running_since_ SEMBLANCE_GUARDED_BY(mutex_);
  bool stuck_ SEMBLANCE_GUARDED_BY(mutex_) = false;
  // The destructor runs: whatever comes now is refused.
  bool draining_ SEMBLANCE_GUARDED_BY(mutex_) = false;
  // They come last, because they use everything above.
  Worker runner_;
  Worker watcher_;
};

}  // namespace

absl::Status BatcherOptions::Validate() const {
  if (max_batch_size < 1 || max_batch_size > kMaxBatchSize) {
    return InvalidField("max_batch_size", v1::ERROR_REASON_LIMIT_EXCEEDED,
                        absl::StrCat("is ", max_batch_size, ", not within 1 to ", kMaxBatchSize));
  }
  if (max_queue_delay < absl::ZeroDuration()) {
    return InvalidField("max_queue_delay", v1::ERROR_REASON_LIMIT_EXCEEDED,
                        absl::StrCat("is ", absl::FormatDuration(max_queue_delay), ", below 0"));
  }
  if (stuck_after <= absl::ZeroDuration()) {
    return InvalidField("stuck_after", v1::ERROR_REASON_LIMIT_EXCEEDED,
                        absl::StrCat("is ", absl::FormatDuration(stuck_after), ", not above 0"));
  }
  if (max_queued_images < 1) {
    return InvalidField("max_queued_images", v1::ERROR_REASON_LIMIT_EXCEEDED, absl::StrCat("is ", max_queued_images, ", below 1"));
  }
  return absl::OkStatus();
}

std::unique_ptr<Batcher> NewBatcher(const Embedder* embedder, const BatcherOptions& options) {
  CHECK(options.Validate().ok()) << options.Validate();
  return std::make_unique<SerialBatcher>(embedder, options);
}

}  // namespace semblance::embedder
