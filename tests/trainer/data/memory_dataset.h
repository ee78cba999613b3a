// A data set in memory whose examples and encoded images the test chooses.
//
// Thread-compatible: const methods may run concurrently.
#ifndef SEMBLANCE_TESTS_TRAINER_DATA_MEMORY_DATASET_H_
#define SEMBLANCE_TESTS_TRAINER_DATA_MEMORY_DATASET_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "dataset/dataset.h"
#include "dataset/png_encoder.h"
#include "semblance/storage/v1/bundle.pb.h"

namespace semblance::testing {

class MemoryDataset final : public dataset::Dataset {
 public:
  void Add(std::string id, std::string label, dataset::Split split, std::string encoded) {
    examples_.push_back(dataset::Example{std::move(id), std::move(label), split});
    images_.push_back(std::move(encoded));
  }

  // Adds an image of `side` x `side` equal gray pixels.
  void AddGray(std::string id, std::string label, dataset::Split split, int side, char gray) {
    const std::string pixels(static_cast<size_t>(side) * static_cast<size_t>(side), gray);
    Add(std::move(id), std::move(label), split, dataset::EncodeGrayPng(pixels, side, side).value());
  }

  int64_t size() const override { return static_cast<int64_t>(examples_.size()); }
  const dataset::Example& example(int64_t index) const override { return examples_[static_cast<size_t>(index)]; }
  absl::StatusOr<std::string> ReadImage(int64_t index) const override { return images_[static_cast<size_t>(index)]; }

 private:
  std::vector<dataset::Example> examples_;
  std::vector<std::string> images_;
};

// Preprocessing that uses gray images of 8 x 8 pixels without changes.
inline storage::v1::Preprocessing GrayPreprocessing() {
  storage::v1::Preprocessing preprocessing;
  preprocessing.set_resize(storage::v1::Preprocessing::RESIZE_STRETCH);
  preprocessing.set_resize_side(8);
  preprocessing.set_crop_side(8);
  preprocessing.set_channels(1);
  preprocessing.add_mean(0);
  preprocessing.add_std(1);
  return preprocessing;
}

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_TRAINER_DATA_MEMORY_DATASET_H_
