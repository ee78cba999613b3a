#include "trainer/learning/batch_tensor.h"

#include <torch/torch.h>

#include <cstdint>

#include "gtest/gtest.h"
#include "tests/trainer/data/memory_dataset.h"

namespace semblance::trainer {
namespace {

TEST(BatchTensorTest, LooksUpLabelsByPosition) {
  const torch::Tensor labels = LabelsTensor({3, 0, 3}, {7, 8, 9, 5}, torch::kCPU);
  EXPECT_TRUE(torch::equal(labels, torch::tensor({5, 7, 5}, torch::kInt64)));
}

TEST(BatchTensorTest, CopiesPixelsAsRowsOfImages) {
  LoadedBatch batch;
  batch.positions = {0, 1};
  for (int i = 0; i < 128; ++i) {
    batch.pixels.push_back(static_cast<uint8_t>(i));
  }
  const auto preprocessor = embedder::Preprocessor::Create(testing::GrayPreprocessing()).value();

  const torch::Tensor pixels = PixelsTensor(batch, preprocessor, torch::kCPU);
  batch.pixels.assign(128, 0);

  EXPECT_TRUE(torch::equal(pixels, torch::arange(128).to(torch::kUInt8).view({2, 8, 8, 1})));
}

}  // namespace
}  // namespace semblance::trainer
