#include "embedder/batcher.h"

#include <algorithm>
#include <stop_token>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "common/logging.h"
#include "common/threads/condition.h"
#include "common/threads/mutex.h"
#include "common/threads/worker.h"
#include "embedder/batch_queue.h"

namespace semblance::embedder {
namespace {

constexpr int kMaxBatchSize = 4096;
constexpr absl::Duration kMinRetryDelay = absl::Milliseconds(10);

absl::Status Draining() {
  return Error(absl::StatusCode::kUnavailable, v1::ERROR_REASON_DRAINING, "the model is being unloaded; try again");
}

void Tell(std::vector<Verdict> verdicts) {
  for (Verdict& verdict : verdicts) {
    if (verdict.status.ok()) {
      verdict.request->done(std::move(verdict.request->result));
    } else {
      verdict.request->done(std::move(verdict.status));
    }
  }
}

// Has two threads: the runner runs batches, and the reaper answers requests whose deadline passes while a batch runs.
class SerialBatcher final : public Batcher {
 public:
  SerialBatcher(const Embedder* embedder, const BatcherOptions& options)
      : embedder_(embedder),
        options_(options),
        runner_("batcher", [this](const std::stop_token& stop) { RunBatches(stop); }),
        reaper_("batch reaper", [this](const std::stop_token& stop) { ReapExpired(stop); }) {}

  ~SerialBatcher() override {
    {
      const MutexLock lock(&mutex_);
      draining_ = true;
    }
    reaper_.RequestStop();
    runner_.Stop();
    reaper_.Stop();
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
    deadlines_changed_.NotifyOne();
  }

  int queued_images() const override {
    const MutexLock lock(&mutex_);
    return static_cast<int>(queue_.waiting());
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
    if (queue_.waiting() + count > limit) {
      const absl::Status full = Error(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_QUEUE_FULL,
                                      absl::StrCat(queue_.waiting(), " images wait for the network; the limit is ", limit));
      return WithRetryDelay(full, TimeToDrain());
    }
    queue_.Add(request);
    return absl::OkStatus();
  }

  // Estimates the delay from the number of waiting images and the time of the last batch.
  absl::Duration TimeToDrain() const SEMBLANCE_REQUIRES(mutex_) {
    return std::max(kMinRetryDelay, last_inference_ * (static_cast<double>(queue_.waiting()) / options_.max_batch_size));
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
      }
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
    const absl::Status status = embedder_->Embed(batch.images, absl::MakeSpan(vectors));
    const absl::Duration inference = absl::Now() - start;
    if (options_.on_batch) {
      options_.on_batch(static_cast<int>(batch.images.size()), inference);
    }
    Tell(FinishBatch(batch, status, vectors, inference));
  }

  std::vector<Verdict> FinishBatch(const QueuedBatch& batch, const absl::Status& status, const std::vector<float>& vectors,
                                   absl::Duration inference) {
    const MutexLock lock(&mutex_);
    last_inference_ = inference;
    std::vector<Verdict> verdicts;
    auto from = vectors.begin();
    for (const BatchPart& part : batch.parts) {
      const auto end = from + static_cast<ptrdiff_t>(part.count) * embedder_->dimension();
      EmbedRequest& request = *part.request;
      if (!request.settled) {
        request.result.vectors.insert(request.result.vectors.end(), from, end);
        request.result.infer += inference;
        request.embedded += part.count;
        if (!status.ok() || request.embedded == request.images.size()) {
          request.settled = true;
          verdicts.push_back({part.request, status});
        }
      }
      from = end;
    }
    return verdicts;
  }

  void ReapExpired(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      std::vector<Verdict> verdicts;
      {
        const MutexLock lock(&mutex_);
        const absl::Time next = queue_.earliest_deadline();
        deadlines_changed_.WaitUntil(mutex_, stop, next,
                                     [this, next]() SEMBLANCE_REQUIRES(mutex_) { return queue_.earliest_deadline() < next; });
        verdicts = queue_.RemoveUnwanted(absl::Now());
      }
      Tell(std::move(verdicts));
    }
  }

  const Embedder* const embedder_;
  const BatcherOptions options_;
  mutable Mutex mutex_;
  Condition work_changed_;
  Condition deadlines_changed_;
  BatchQueue queue_ SEMBLANCE_GUARDED_BY(mutex_);
  absl::Duration last_inference_ SEMBLANCE_GUARDED_BY(mutex_) = absl::ZeroDuration();
  // The destructor runs: whatever comes now is refused.
  bool draining_ SEMBLANCE_GUARDED_BY(mutex_) = false;
  // They come last, because they use everything above.
  Worker runner_;
  Worker reaper_;
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
