#include "trainer/learning/input_batches.h"

#include <torch/torch.h>

#include <cstdint>
#include <optional>

#include "tests/testing/status_matchers.h"
#include "tests/trainer/learning/split_images.h"

namespace semblance::trainer {
namespace {

using ::testing::ElementsAre;

class InputBatchesTest : public ::testing::Test {
 protected:
  const testing::SplitImages split_{6, 2};
};

TEST_F(InputBatchesTest, AreThePixelsOfTheImagesInTheOrderOfTheBatches) {
  InputBatches batches(split_.labeled(), {{4, 1}, {5}}, {}, torch::kCPU);

  ASSERT_OK_AND_ASSIGN(const std::optional<InputBatch> first, batches.Next());
  ASSERT_OK_AND_ASSIGN(const std::optional<InputBatch> second, batches.Next());
  ASSERT_OK_AND_ASSIGN(const std::optional<InputBatch> end, batches.Next());

  EXPECT_THAT(first->positions, ElementsAre(4, 1));
  EXPECT_TRUE(torch::equal(first->inputs, torch::stack({split_.Pixels(4), split_.Pixels(1)})));
  EXPECT_TRUE(torch::equal(second->inputs, torch::stack({split_.Pixels(5)})));
  EXPECT_FALSE(end.has_value());
}

TEST_F(InputBatchesTest, AreTheFeaturesWhereThereAreFeatures) {
  LabeledImages split = split_.labeled();
  split.features = torch::rand({6, 3});
  InputBatches batches(split, {{4, 1}, {5}}, {}, torch::kCPU);

  ASSERT_OK_AND_ASSIGN(const std::optional<InputBatch> first, batches.Next());
  ASSERT_OK_AND_ASSIGN(const std::optional<InputBatch> second, batches.Next());
  ASSERT_OK_AND_ASSIGN(const std::optional<InputBatch> end, batches.Next());

  EXPECT_TRUE(torch::equal(first->inputs, torch::stack({split.features[4], split.features[1]})));
  EXPECT_THAT(second->positions, ElementsAre(5));
  EXPECT_FALSE(end.has_value());
}

TEST_F(InputBatchesTest, BeginAtTheFirstBatchThatIsAskedFor) {
  LoaderOptions options;
  options.first_batch = 1;
  LabeledImages with_features = split_.labeled();
  with_features.features = torch::rand({6, 3});
  for (const LabeledImages& split : {split_.labeled(), with_features}) {
    InputBatches batches(split, {{4, 1}, {5}}, options, torch::kCPU);
    ASSERT_OK_AND_ASSIGN(const std::optional<InputBatch> batch, batches.Next());
    EXPECT_THAT(batch->positions, ElementsAre(5));
  }
}

}  // namespace
}  // namespace semblance::trainer
