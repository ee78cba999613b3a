// What waits for the network, and who is next: the policy of the Batcher without its threads. Private to the library.
//
// Not thread-safe: the batcher calls it under its lock. Time is an argument.
#ifndef SEMBLANCE_EMBEDDER_BATCH_QUEUE_H_
#define SEMBLANCE_EMBEDDER_BATCH_QUEUE_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "embedder/batcher.h"
#include "embedder/image/image.h"

namespace semblance::embedder {

// One call of Batcher::Embed.
struct EmbedRequest {
  std::vector<Image> images;
  Priority priority = Priority::kInteractive;
  absl::Time arrival;
  absl::Time deadline;
  // May be null.
  std::shared_ptr<const std::atomic<bool>> cancelled;
  Batcher::Callback done;

  // Images that entered a batch, and whose vectors are in `result`.
  size_t taken = 0;
  size_t embedded = 0;
  // An answer was chosen: batches that still hold a part of the request ignore it.
  bool settled = false;
  EmbedResult result;

  size_t waiting() const { return images.size() - taken; }
};

using EmbedRequestPtr = std::shared_ptr<EmbedRequest>;

// An answer that was chosen but not given: callbacks run without the lock.
struct Verdict {
  EmbedRequestPtr request;
  absl::Status status;
};

// Successive images of one request in a batch.
struct BatchPart {
  EmbedRequestPtr request;
  size_t first = 0;
  size_t count = 0;
};

struct QueuedBatch {
  std::vector<BatchPart> parts;
  // Of all parts, in their order.
  std::vector<Image> images;
};

// OK, or why the request must not run: Cancelled or DeadlineExceeded.
absl::Status StillWanted(const EmbedRequest& request, absl::Time now);

class BatchQueue {
 public:
  // Images that wait.
  size_t waiting() const { return waiting_[0] + waiting_[1]; }

  // Of the requests that wait; InfiniteFuture when there is none.
  absl::Time oldest_arrival() const;
  absl::Time earliest_deadline() const;

  void Add(EmbedRequestPtr request);

  // Removes requests that are settled, expired or cancelled. The last two get verdicts.
  std::vector<Verdict> RemoveUnwanted(absl::Time now);

  // Removes everything; each request gets `status`.
  std::vector<Verdict> RemoveAll(const absl::Status& status);

  // The next batch, of at most max_batch_size images: interactive work first, but a quarter of the slots for bulk work while both
  // wait. Within a priority, first come, first served; a request may be split.
  QueuedBatch Take(size_t max_batch_size, absl::Time now);

 private:
  void TakeImages(size_t priority, size_t count, absl::Time now, QueuedBatch* batch);

  // By priority.
  std::array<std::deque<EmbedRequestPtr>, 2> requests_;
  std::array<size_t, 2> waiting_ = {};
  // Quarters of a slot that bulk work has not had yet.
  size_t bulk_credit_ = 0;
};

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_BATCH_QUEUE_H_
