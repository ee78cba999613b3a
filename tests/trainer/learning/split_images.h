// A split of small gray images that differ from one another.
#ifndef SEMBLANCE_TESTS_TRAINER_LEARNING_SPLIT_IMAGES_H_
#define SEMBLANCE_TESTS_TRAINER_LEARNING_SPLIT_IMAGES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dataset/png_encoder.h"
#include "tests/trainer/data/memory_dataset.h"
#include "trainer/learning/labeled_images.h"

namespace semblance::testing {

class SplitImages {
 public:
  // `count` images of 8 x 8 pixels. Image i has the label i % classes. The classes differ in how brightness changes from the first
  // pixel to the last.
  SplitImages(int count, int classes) : classes_(classes) {
    std::vector<int64_t> indices;
    for (int i = 0; i < count; ++i) {
      const torch::Tensor pixels = Pixels(i);
      const std::string bytes(static_cast<const char*>(pixels.data_ptr()), 64);
      dataset_.Add(std::to_string(i), "", dataset::Split::kTrain, dataset::EncodeGrayPng(bytes, 8, 8).value());
      indices.push_back(i);
      labels_.push_back(i % classes);
    }
    const embedder::Preprocessor preprocessor = embedder::Preprocessor::Create(GrayPreprocessing()).value();
    images_ = trainer::ImageStore::Load(&dataset_, indices, preprocessor, {}, "test").value();
  }

  // The pixels of image i: uint8 [8, 8, 1].
  torch::Tensor Pixels(int64_t i) const {
    const int64_t slope = 2 - 2 * (i % classes_);
    torch::Tensor pixels = 100 + slope * (torch::arange(64) - 32) + i % 7;
    pixels[i % 64] += 30;
    return pixels.to(torch::kUInt8).view({8, 8, 1});
  }

  trainer::LabeledImages labeled() const { return {images_.get(), &labels_, nullptr, {}}; }
  const trainer::ImageStore& images() const { return *images_; }
  const std::vector<int64_t>& labels() const { return labels_; }

 private:
  const int classes_;
  MemoryDataset dataset_;
  std::vector<int64_t> labels_;
  std::unique_ptr<trainer::ImageStore> images_;
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_TRAINER_LEARNING_SPLIT_IMAGES_H_
