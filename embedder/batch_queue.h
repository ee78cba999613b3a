// The requests that wait for the network, and the order in which they are served. This is the policy of the Batcher without its
// threads. Private to the library.
//
// Not thread-safe: the batcher calls it under its lock. The current time is an argument.
#ifndef SEMBLANCE_EMBEDDER_BATCH_QUEUE_H_
#define SEMBLANCE_EMBEDDER_BATCH_QUEUE_H_

#include <array>
#include <cstddef>
#include <deque>
#include <memory>
#include <stop_token>
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
  std::stop_token cancelled;
  Batcher::Callback done;

  // Number of images that entered a batch, and number of images whose vectors are in `result`.
  size_t taken = 0;
  size_t embedded = 0;
  // True when an answer was chosen. Batches that still hold a part of the request ignore that part.
  bool settled = false;
  EmbedResult result;

  size_t waiting() const { return images.size() - taken; }
};

using EmbedRequestPtr = std::shared_ptr<EmbedRequest>;

// An answer that was chosen but not given yet, because callbacks run without the lock.
struct Verdict {
  EmbedRequestPtr request;
  absl::Status status;
};

// Consecutive images of one request in a batch.
struct BatchPart {
  EmbedRequestPtr request;
  size_t first = 0;
  size_t count = 0;
};

struct QueuedBatch {
  std::vector<BatchPart> parts;
  // The images of all parts, in their order.
  std::vector<Image> images;
};

// Returns OK if the request should run. Otherwise returns the reason: Cancelled or DeadlineExceeded.
absl::Status StillWanted(const EmbedRequest& request, absl::Time now);

class BatchQueue {
 public:
  // Returns the number of images that wait.
  size_t waiting() const { return waiting_[0] + waiting_[1]; }
  size_t waiting(Priority priority) const { return waiting_[static_cast<size_t>(priority)]; }

  // Return times of the requests that wait; InfiniteFuture when there is none.
  absl::Time oldest_arrival() const;
  absl::Time earliest_deadline() const;

  void Add(EmbedRequestPtr request);

  // Removes requests that are settled, expired or cancelled. Returns verdicts for the expired and the cancelled ones.
  std::vector<Verdict> RemoveUnwanted(absl::Time now);

  // Removes everything. Each request gets a verdict with `status`.
  std::vector<Verdict> RemoveAll(const absl::Status& status);

  // While both priorities wait, bulk work gets one of this many slots.
  static constexpr size_t kBulkShare = 4;

  // Takes the next batch, of at most max_batch_size images. Interactive work goes first, but bulk work gets its share of the slots
  // while both wait. Within a priority, requests are served in the order of their arrival. A request may be split.
  QueuedBatch Take(size_t max_batch_size, absl::Time now);

 private:
  void TakeImages(size_t priority, size_t count, absl::Time now, QueuedBatch* batch);

  // Indexed by priority.
  std::array<std::deque<EmbedRequestPtr>, 2> requests_;
  std::array<size_t, 2> waiting_ = {};
  // Quarters of a slot that bulk work is still owed.
  size_t bulk_credit_ = 0;
};

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_BATCH_QUEUE_H_
