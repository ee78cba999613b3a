#include "trainer/data/loader.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>

#include "absl/types/span.h"
#include "common/status_macros.h"

namespace semblance::trainer {
namespace {

// The number of batches that are ready or being made: one for each thread, and some in reserve in case one batch takes longer.
size_t PrefetchDepth(int threads) {
  return static_cast<size_t>(threads) + 2;
}

std::vector<std::vector<uint32_t>> CountVisits(const PositionBatches& batches, int64_t store_size) {
  std::vector<uint32_t> count(static_cast<size_t>(store_size));
  std::vector<std::vector<uint32_t>> visits;
  visits.reserve(batches.size());
  for (const std::vector<int64_t>& batch : batches) {
    visits.emplace_back();
    visits.back().reserve(batch.size());
    for (const int64_t position : batch) {
      visits.back().push_back(count[static_cast<size_t>(position)]++);
    }
  }
  return visits;
}

// Epochs are below 2^32, and so are visits.
uint64_t StreamOf(int epoch, uint32_t visit) {
  return static_cast<uint64_t>(epoch) | static_cast<uint64_t>(visit) << 32;
}

}  // namespace

Loader::Loader(const ImageStore* store, PositionBatches batches, const LoaderOptions& options)
    : store_(store),
      batches_(std::move(batches)),
      visits_(CountVisits(batches_, store->size())),
      options_(options),
      next_(options.first_batch),
      pool_("loader", options.threads, PrefetchDepth(options.threads)) {
  Prefetch();
}

absl::StatusOr<std::optional<LoadedBatch>> Loader::Next() {
  if (pending_.empty()) {
    return std::nullopt;
  }
  absl::StatusOr<LoadedBatch> batch = pending_.front().get();
  pending_.pop_front();
  Prefetch();
  if (!batch.ok()) {
    return batch.status();
  }
  return std::optional<LoadedBatch>(*std::move(batch));
}

void Loader::Prefetch() {
  while (next_ < batches_.size() && pending_.size() < PrefetchDepth(options_.threads)) {
    // Shared, because std::function copies its target.
    const auto task = std::make_shared<std::packaged_task<absl::StatusOr<LoadedBatch>()>>([this, i = next_] { return Fill(i); });
    pending_.push_back(task->get_future());
    pool_.Schedule([task] { (*task)(); });
    ++next_;
  }
}

absl::StatusOr<LoadedBatch> Loader::Fill(size_t batch_index) const {
  const std::vector<int64_t>& positions = batches_[batch_index];
  const int side = store_->preprocessor().config().crop_side();
  const size_t image_size =
      static_cast<size_t>(side) * static_cast<size_t>(side) * static_cast<size_t>(store_->preprocessor().config().channels());
  LoadedBatch batch;
  batch.positions = positions;
  batch.pixels.resize(positions.size() * image_size);
  for (size_t i = 0; i < positions.size(); ++i) {
    SEMBLANCE_ASSIGN_OR_RETURN(const std::shared_ptr<const embedder::Image> image, store_->Get(positions[i]));
    const absl::Span<uint8_t> out = absl::MakeSpan(batch.pixels).subspan(i * image_size, image_size);
    if (options_.augmentation.has_value()) {
      Random random(options_.seed, StreamOf(options_.epoch, visits_[batch_index][i]), static_cast<uint64_t>(positions[i]));
      CropAugmented(*image, side, *options_.augmentation, &random, out);
    } else {
      const embedder::Image crop = store_->preprocessor().CenterCrop(*image);
      std::copy(crop.pixels.begin(), crop.pixels.end(), out.begin());
    }
  }
  return batch;
}

}  // namespace semblance::trainer
