// Gathers images of many requests into batches for one Embedder (dynamic batching).
//
// Thread-safe. The embedder must outlive the batcher. The destructor fails what still waits with Unavailable/DRAINING after the
// running batch ends; it joins the batcher's threads, so it must not run on one of them: a callback must not own the batcher.
//
// One thread runs the network. A batch forms from what waits when the network becomes free, up to max_batch_size images, waiting at
// most max_queue_delay for more. Interactive work goes first; bulk work gets at least a quarter of the slots, so that neither
// starves the other. A request larger than a batch is split. Work that was cancelled is dropped before it runs; work whose deadline
// passes in the queue is answered at once, even while a batch runs.
#ifndef SEMBLANCE_EMBEDDER_BATCHER_H_
#define SEMBLANCE_EMBEDDER_BATCHER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "embedder/embedder.h"
#include "embedder/image/image.h"

namespace semblance::embedder {

struct BatcherOptions {
  // Images of one inference; default 16.
  int max_batch_size = 16;
  // How long an incomplete batch waits for company; default 0.
  absl::Duration max_queue_delay = absl::ZeroDuration();
  // Images that may wait; default 1,024.
  int max_queued_images = 1024;
  // Called after every batch, on the batcher's thread; may be empty. Must be quick.
  std::function<void(int batch_size, absl::Duration inference)> on_batch;

  absl::Status Validate() const;
};

enum class Priority { kInteractive, kBulk };

// The answer to one request.
struct EmbedResult {
  // images.size() x dimension, unit rows.
  std::vector<float> vectors;
  // Until the first of the images entered a batch.
  absl::Duration queue = absl::ZeroDuration();
  // Of the batches that the images were part of.
  absl::Duration infer = absl::ZeroDuration();
};

class Batcher {
 public:
  using Callback = std::function<void(absl::StatusOr<EmbedResult>)>;

  virtual ~Batcher() = default;

  // Embeds `images` and calls `done` exactly once: on a thread of the batcher, on the caller's when the request is refused, or on
  // the destructor's. `cancelled`, when not null, is read before the work runs. done gets ResourceExhausted/QUEUE_FULL with a retry
  // delay, InvalidArgument/LIMIT_EXCEEDED for more images than may ever wait, DeadlineExceeded, Cancelled, Unavailable/DRAINING, or
  // what the embedder failed with. REQUIRES: images is not empty; `done` is quick and does not throw.
  virtual void Embed(std::vector<Image> images, Priority priority, absl::Time deadline,
                     std::shared_ptr<const std::atomic<bool>> cancelled, Callback done) = 0;

  // Images that wait.
  virtual int queued_images() const = 0;
};

// REQUIRES: options.Validate() is OK.
std::unique_ptr<Batcher> NewBatcher(const Embedder* embedder, const BatcherOptions& options);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_BATCHER_H_
