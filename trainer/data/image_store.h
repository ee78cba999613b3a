// The decoded and resized images of one split. As many as fit are kept in memory.
//
// Thread-safe after Load. The data set must outlive the store.
//
// Load reads and decodes every image once, in parallel, so a broken image is found before training starts. Images that exceed
// max_cached_bytes are decoded again whenever they are asked for; the results are the same.
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
  // The number of threads that load images.
  int threads = 1;
  // The bytes of pixels that are kept in memory at most.
  int64_t max_cached_bytes = 0;
  // Loading ends with Cancelled when it becomes true. Required.
  std::stop_token stop;
};

// The mean and the standard deviation of all pixels of a split, by channel, on values in [0, 1].
struct PixelStatistics {
  std::vector<float> mean;
  // At least 1/255, so that dividing by it is safe.
  std::vector<float> std;
};

class ImageStore {
 public:
  // Loads the images dataset[indices[0]], dataset[indices[1]], ... `task` names the work in the progress bar. Errors:
  // InvalidArgument, field "data.path", which says which image is broken and why; errors of reading the data set; Cancelled.
  static absl::StatusOr<std::unique_ptr<ImageStore>> Load(const dataset::Dataset* dataset, std::vector<int64_t> indices,
                                                          const embedder::Preprocessor& preprocessor,
                                                          const ImageStoreOptions& options, absl::string_view task);

  int64_t size() const { return static_cast<int64_t>(indices_.size()); }
  const embedder::Preprocessor& preprocessor() const { return preprocessor_; }

  // The image at a position in `indices`, resized and not yet cropped. REQUIRES: 0 <= position < size(). Errors: those of Load, if
  // the image was not kept and its file has changed since.
  absl::StatusOr<std::shared_ptr<const embedder::Image>> Get(int64_t position) const;

  // The example's id in the data set. REQUIRES: the same as Get.
  const std::string& id(int64_t position) const { return dataset_->example(indices_[static_cast<size_t>(position)]).id; }

  int64_t cached_bytes() const { return cached_bytes_; }
  PixelStatistics statistics() const;

  // The key of every image, by position; see embedder/bundle/trained_images.h.
  std::vector<uint64_t> keys() const;

  // "sha256:" and 64 hex digits: the digest of all ids, labels and encoded images, in order.
  std::string digest() const;

 private:
  ImageStore(const dataset::Dataset* dataset, std::vector<int64_t> indices, const embedder::Preprocessor& preprocessor);

  absl::Status LoadOne(int64_t position, const ImageStoreOptions& options);
  absl::StatusOr<embedder::Image> Decode(int64_t position, const std::string& encoded) const;
  void AddStatistics(const embedder::Image& image);

  const dataset::Dataset* const dataset_;
  const std::vector<int64_t> indices_;
  const embedder::Preprocessor preprocessor_;
  // Indexed by position. It is null for an image that is not kept.
  std::vector<std::shared_ptr<const embedder::Image>> images_;
  std::vector<std::string> digests_;
  std::atomic<int64_t> cached_bytes_ = 0;
  // Integers, so that the result does not depend on the order of the threads.
  std::atomic<uint64_t> pixel_count_ = 0;
  std::array<std::atomic<uint64_t>, 3> sums_ = {};
  std::array<std::atomic<uint64_t>, 3> squares_ = {};
};

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_DATA_IMAGE_STORE_H_
