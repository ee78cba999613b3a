// Batches of pixels for the network, prepared by threads ahead of the training step.
//
// Not thread-safe. The store must outlive the loader.
//
// What comes out depends on (seed, epoch, batches) alone: every example has its own random generator, so neither the number of
// threads nor their speed matters. An example that the batches name again has another one: it is augmented in another way.
#ifndef SEMBLANCE_TRAINER_DATA_LOADER_H_
#define SEMBLANCE_TRAINER_DATA_LOADER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <future>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "common/threads/thread_pool.h"
#include "trainer/data/augment.h"
#include "trainer/data/image_store.h"
#include "trainer/data/sampler.h"

namespace semblance::trainer {

struct LoadedBatch {
  // Positions in the store.
  std::vector<int64_t> positions;
  // positions.size() x side x side x channels, as Preprocessor makes them.
  std::vector<uint8_t> pixels;
};

struct LoaderOptions {
  // Threads that decode and augment.
  int threads = 1;
  // Unset: the centre crop, as in serving.
  std::optional<Augmentation> augmentation;
  uint64_t seed = 0;
  int epoch = 0;
  // So many of the batches are passed over, as if they had been seen.
  size_t first_batch = 0;
};

class Loader {
 public:
  Loader(const ImageStore* store, PositionBatches batches, const LoaderOptions& options);

  // The next batch, in order, from options.first_batch on; nullopt after the last. Errors: as of ImageStore::Get.
  absl::StatusOr<std::optional<LoadedBatch>> Next();

 private:
  void Prefetch();
  absl::StatusOr<LoadedBatch> Fill(size_t batch_index) const;

  const ImageStore* const store_;
  const PositionBatches batches_;
  // How often the example was named before, for each one of the batches.
  const std::vector<std::vector<uint32_t>> visits_;
  const LoaderOptions options_;
  size_t next_;
  std::deque<std::future<absl::StatusOr<LoadedBatch>>> pending_;
  // Last, so that its threads end before what they use.
  ThreadPool pool_;
};

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_DATA_LOADER_H_
