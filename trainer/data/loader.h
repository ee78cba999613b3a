// Batches of pixels for the network, prepared by threads ahead of the training step.
//
// Not thread-safe. The store must outlive the loader.
//
// The batches depend only on seed, epoch and the positions. Every example has its own random generator, so neither the number of
// threads nor their speed matters. An example that occurs again gets another generator, and so another augmentation.
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
  // positions.size() x side x side x channels, in the layout of Preprocessor.
  std::vector<uint8_t> pixels;
};

struct LoaderOptions {
  // The number of threads that decode and augment.
  int threads = 1;
  // Unset: images are cropped around the center, as in serving.
  std::optional<Augmentation> augmentation;
  uint64_t seed = 0;
  int epoch = 0;
  // The loader skips this many batches, as if they had been returned already.
  size_t first_batch = 0;
};

class Loader {
 public:
  Loader(const ImageStore* store, PositionBatches batches, const LoaderOptions& options);

  // The next batch, in order, from options.first_batch on; nullopt after the last. Errors: those of ImageStore::Get.
  absl::StatusOr<std::optional<LoadedBatch>> Next();

 private:
  void Prefetch();
  absl::StatusOr<LoadedBatch> Fill(size_t batch_index) const;

  const ImageStore* const store_;
  const PositionBatches batches_;
  // For each example of each batch: how often it has occurred before.
  const std::vector<std::vector<uint32_t>> visits_;
  const LoaderOptions options_;
  size_t next_;
  std::deque<std::future<absl::StatusOr<LoadedBatch>>> pending_;
  // The last member, so that its threads end before the members that they use are destroyed.
  ThreadPool pool_;
};

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_DATA_LOADER_H_
