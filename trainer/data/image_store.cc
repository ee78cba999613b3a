#include "trainer/data/image_store.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/digest.h"
#include "common/error.h"
#include "common/progress.h"
#include "common/status_macros.h"
#include "common/threads/mutex.h"
#include "common/threads/parallel_for.h"
#include "embedder/bundle/trained_images.h"

namespace semblance::trainer {

ImageStore::ImageStore(const dataset::Dataset* dataset, std::vector<int64_t> indices, const embedder::Preprocessor& preprocessor)
    : dataset_(dataset),
      indices_(std::move(indices)),
      preprocessor_(preprocessor),
      images_(indices_.size()),
      digests_(indices_.size()) {}

absl::StatusOr<std::unique_ptr<ImageStore>> ImageStore::Load(const dataset::Dataset* dataset, std::vector<int64_t> indices,
                                                             const embedder::Preprocessor& preprocessor,
                                                             const ImageStoreOptions& options, absl::string_view task) {
  std::unique_ptr<ImageStore> store(new ImageStore(dataset, std::move(indices), preprocessor));
  ProgressReporter progress(task, store->size(), "images");
  Mutex mutex;
  int64_t done = 0;
  SEMBLANCE_RETURN_IF_ERROR(ParallelFor(options.threads, store->size(), [&](int64_t position) {
    absl::Status status = store->LoadOne(position, options);
    MutexLock lock(&mutex);
    progress.Update(++done, "");
    return status;
  }));
  progress.Finish(absl::StrCat(store->size(), " images, ", store->cached_bytes() >> 20, " MiB kept in memory"));
  return store;
}

absl::Status ImageStore::LoadOne(int64_t position, const ImageStoreOptions& options) {
  if (options.stop.stop_requested()) {
    return absl::CancelledError("stopped while loading the images");
  }
  SEMBLANCE_ASSIGN_OR_RETURN(const std::string encoded, dataset_->ReadImage(indices_[static_cast<size_t>(position)]));
  digests_[static_cast<size_t>(position)] = Sha256Hex(encoded);
  SEMBLANCE_ASSIGN_OR_RETURN(embedder::Image image, Decode(position, encoded));
  AddStatistics(image);
  const auto bytes = static_cast<int64_t>(image.size_bytes());
  const int64_t total = cached_bytes_ += bytes;
  if (total <= options.max_cached_bytes) {
    images_[static_cast<size_t>(position)] = std::make_shared<const embedder::Image>(std::move(image));
  } else {
    cached_bytes_ -= bytes;
  }
  return absl::OkStatus();
}

absl::StatusOr<embedder::Image> ImageStore::Decode(int64_t position, const std::string& encoded) const {
  absl::StatusOr<embedder::Image> image = preprocessor_.DecodeAndResize(encoded, embedder::DecodeLimits());
  if (!image.ok()) {
    const std::string& id = dataset_->example(indices_[static_cast<size_t>(position)]).id;
    return InvalidField("data.path", ReasonOf(image.status()), absl::StrCat(id, ": ", image.status().message()));
  }
  return image;
}

absl::StatusOr<std::shared_ptr<const embedder::Image>> ImageStore::Get(int64_t position) const {
  if (images_[static_cast<size_t>(position)] != nullptr) {
    return images_[static_cast<size_t>(position)];
  }
  SEMBLANCE_ASSIGN_OR_RETURN(const std::string encoded, dataset_->ReadImage(indices_[static_cast<size_t>(position)]));
  SEMBLANCE_ASSIGN_OR_RETURN(embedder::Image image, Decode(position, encoded));
  return std::make_shared<const embedder::Image>(std::move(image));
}

void ImageStore::AddStatistics(const embedder::Image& image) {
  std::array<uint64_t, 3> sums = {};
  std::array<uint64_t, 3> squares = {};
  const auto channels = static_cast<size_t>(image.channels);
  for (size_t i = 0; i < image.pixels.size(); i += channels) {
    for (size_t c = 0; c < channels; ++c) {
      const uint64_t value = image.pixels[i + c];
      sums[c] += value;
      squares[c] += value * value;
    }
  }
  pixel_count_ += image.pixels.size() / channels;
  for (size_t c = 0; c < channels; ++c) {
    sums_[c] += sums[c];
    squares_[c] += squares[c];
  }
}

PixelStatistics ImageStore::statistics() const {
  PixelStatistics statistics;
  const double count = static_cast<double>(pixel_count_) * 255;
  for (int c = 0; c < preprocessor_.config().channels(); ++c) {
    const double mean = static_cast<double>(sums_[static_cast<size_t>(c)]) / count;
    const double square = static_cast<double>(squares_[static_cast<size_t>(c)]) / (count * 255);
    statistics.mean.push_back(static_cast<float>(mean));
    statistics.std.push_back(static_cast<float>(std::max(std::sqrt(std::max(square - mean * mean, 0.0)), 1.0 / 255)));
  }
  return statistics;
}

std::vector<uint64_t> ImageStore::keys() const {
  std::vector<uint64_t> keys;
  keys.reserve(digests_.size());
  for (const std::string& digest : digests_) {
    keys.push_back(embedder::ImageKeyOf(digest));
  }
  return keys;
}

std::string ImageStore::digest() const {
  Sha256Stream stream;
  for (size_t i = 0; i < indices_.size(); ++i) {
    const dataset::Example& example = dataset_->example(indices_[i]);
    // The sizes ensure that no two data sets give the same bytes.
    stream.Update(
        absl::StrCat(example.id.size(), " ", example.id, " ", example.label.size(), " ", example.label, " ", digests_[i]));
  }
  return absl::StrCat("sha256:", stream.FinishHex());
}

}  // namespace semblance::trainer
