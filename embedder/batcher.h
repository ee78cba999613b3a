// Gathers images of many requests into batches for one Embedder. This is called dynamic batching.
//
// Thread-safe. The embedder must outlive the batcher. The destructor waits for the running batch,
// and then answers all waiting requests with Unavailable/DRAINING. It joins the batcher's threads, so it must not run on one of
// them. A callback must therefore not own the batcher.
//
// One thread runs the network. When the network becomes free, waiting images form a batch of up to max_batch_size images. The batch
// waits for more images for at most max_queue_delay. Interactive work goes first, and bulk work gets at least a quarter of the
// slots, so that neither starves the other. A request that is larger than a batch is split. Cancelled work is dropped before it
// runs. A request whose deadline passes in the queue is answered at once, even while a batch runs.
//
// A failure belongs to its own image: when a batch fails, its images are embedded again one by one, and only the requests fail
// whose own image fails.
//
// A watchdog looks after the network. When a batch takes far longer than usual, the network is taken to be stuck, as by an endless
// loop in a TorchScript program. Its requests and all others then get Unavailable/NO_ACTIVE_GENERATION, until the batch ends.
#ifndef SEMBLANCE_EMBEDDER_BATCHER_H_
#define SEMBLANCE_EMBEDDER_BATCHER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "embedder/embedder.h"
#include "embedder/image/image.h"

namespace semblance::embedder {

struct BatcherOptions {
  // Images of one inference, default 16.
  int max_batch_size = 16;
  // How long an incomplete batch waits for more images, default 0.
  absl::Duration max_queue_delay = absl::ZeroDuration();
  // Number of images that may wait, default 1,024.
  int max_queued_images = 1024;
  // A batch that runs for longer than this, and than 20 times what its images took before, is stuck. Default 30 s.
  absl::Duration stuck_after = absl::Seconds(30);
  // Called after every batch, on the batcher's thread. Must be quick. May be empty.
  std::function<void(int batch_size, absl::Duration inference)> on_batch;

  absl::Status Validate() const;
};

enum class Priority { kInteractive, kBulk };

// The answer to one request.
struct EmbedResult {
  // One row of unit length for each image, of shape [images, dimension].
  std::vector<float> vectors;
  // Time from the arrival of the request until its first image entered a batch.
  absl::Duration queue = absl::ZeroDuration();
  // Time of inference of all batches that held an image of the request.
  absl::Duration infer = absl::ZeroDuration();
};

class Batcher {
 public:
  using Callback = std::function<void(absl::StatusOr<EmbedResult>)>;

  virtual ~Batcher() = default;

  // Embeds `images` and calls `done` exactly once: on a thread of the batcher, on the caller's thread when the request is refused,
  // or on the thread of the destructor. `cancelled` is read before the work runs. Errors that `done` gets:
  // ResourceExhausted/QUEUE_FULL with a retry delay; InvalidArgument/LIMIT_EXCEEDED for more images than may ever wait;
  // DeadlineExceeded; Cancelled; Unavailable/DRAINING or NO_ACTIVE_GENERATION; and the errors of the embedder. InvalidArgument for
  // one image has the field "images[i]". REQUIRES: images is not empty; `done` is quick and does not throw.
  virtual void Embed(std::vector<Image> images, Priority priority, absl::Time deadline, std::stop_token cancelled,
                     Callback done) = 0;

  // Returns the number of images that wait.
  virtual int queued_images() const = 0;

  // Estimates how long it would take until `images` further images of a priority are embedded. It is zero when nothing waits or
  // runs and `images` is 0, and before the first batch.
  virtual absl::Duration EstimatedTime(Priority priority, int images) const = 0;

  // Returns true while the network is stuck.
  virtual bool is_stuck() const = 0;
};

// Makes a batcher. The embedder must outlive it. REQUIRES: options.Validate() is OK.
std::unique_ptr<Batcher> NewBatcher(const Embedder* embedder, const BatcherOptions& options);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_BATCHER_H_
