// The decoded and resized images of one split, in memory as far as they fit.
//
// Thread-safe after Load. The data set must outlive the store.
//
// Load reads and decodes every image once, in parallel: a broken one is found before training starts, not after an hour. What
// exceeds max_cached_bytes is decoded again whenever it is asked for; the results are the same.
#ifndef SEMBLANCE_TRAINER_DATA_IMAGE_STORE_H_
#define SEMBLANCE_TRAINER_DATA_IMAGE_STORE_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "dataset/dataset.h"
#include "embedder/image/image.h"
#include "embedder/image/preprocess.h"

namespace semblance::trainer {

struct ImageStoreOptions {
  // Threads that load.
  int threads = 1;
  // Bytes of pixels to keep in memory.
  int64_t max_cached_bytes = 0;
  // Loading ends with Cancelled when it becomes true. Required.
  std::stop_token stop;
};

// Over all pixels of a split, per channel, on values in [0, 1].
struct PixelStatistics {
  std::vector<float> mean;
  // At least 1/255, so that one can divide by it.
  std::vector<float> std;
};

class ImageStore {
 public:
  // Loads the images dataset[indices[0]], dataset[indices[1]], ...; `task` names the work in the progress bar. Errors:
  // InvalidArgument (field "data.path", which image and what is wrong with it) or what reading it failed with; Cancelled.
  static absl::StatusOr<std::unique_ptr<ImageStore>> Load(const dataset::Dataset* dataset, std::vector<int64_t> indices,
                                                          const embedder::Preprocessor& preprocessor,
                                                          const ImageStoreOptions& options, absl::string_view task);

  int64_t size() const { return static_cast<int64_t>(indices_.size()); }
  const embedder::Preprocessor& preprocessor() const { return preprocessor_; }

  // The image at a position in `indices`, resized and not yet cropped. REQUIRES: 0 <= position < size(). Errors: as of Load, where
  // the image was not kept and has changed since.
  absl::StatusOr<std::shared_ptr<const embedder::Image>> Get(int64_t position) const;

  // The example's id in the data set. REQUIRES: as of Get.
  const std::string& id(int64_t position) const { return dataset_->example(indices_[static_cast<size_t>(position)]).id; }

  int64_t cached_bytes() const { return cached_bytes_; }
  PixelStatistics statistics() const;

  // Of every image, by position; see embedder/bundle/trained_images.h.
  std::vector<uint64_t> keys() const;

  // "sha256:" + 64 hex digits over ids, labels and encoded images, in order.
  std::string digest() const;

 private:
  ImageStore(const dataset::Dataset* dataset, std::vector<int64_t> indices, const embedder::Preprocessor& preprocessor);

  absl::Status LoadOne(int64_t position, const ImageStoreOptions& options);
  absl::StatusOr<embedder::Image> Decode(int64_t position, const std::string& encoded) const;
  void AddStatistics(const embedder::Image& image);

  const dataset::Dataset* const dataset_;
  const std::vector<int64_t> indices_;
  const embedder::Preprocessor preprocessor_;
  // By position; null where the image is not kept.
  std::vector<std::shared_ptr<const embedder::Image>> images_;
  std::vector<std::string> digests_;
  std::atomic<int64_t> cached_bytes_ = 0;
  // Integers, so that the order of the threads makes no difference.
  std::atomic<uint64_t> pixel_count_ = 0;
  std::array<std::atomic<uint64_t>, 3> sums_ = {};
  std::array<std::atomic<uint64_t>, 3> squares_ = {};
};

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_DATA_IMAGE_STORE_H_
