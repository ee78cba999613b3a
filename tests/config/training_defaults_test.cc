#include <string>
#include <vector>

#include "config/training_config.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/config/load_text.h"
#include "tests/testing/status_matchers.h"

namespace semblance::config {
namespace {

using ::testing::ElementsAre;
using testing::kSmallest;
using testing::LoadText;
using v1::ModelConfig;
using v1::TrainingConfig;

TEST(TrainingDefaultsTest, FillsInTheDocumentedDefaults) {
  ASSERT_OK_AND_ASSIGN(const TrainingConfig config, LoadText(kSmallest));

  EXPECT_EQ(config.epochs(), 10);
  EXPECT_EQ(config.batch_size(), 128);
  EXPECT_EQ(config.seed(), 1U);
  EXPECT_EQ(config.device(), "auto");
  EXPECT_GE(config.loader_threads(), 1);
  EXPECT_GE(config.compute_threads(), 1);
  EXPECT_EQ(config.evaluate_every_epochs(), 1);
  EXPECT_EQ(config.whitening(), 0);
  EXPECT_EQ(config.data().hold_out(), v1::DataConfig::HOLD_OUT_ITEMS);
  EXPECT_EQ(config.data().hold_out_fraction(), 0.2);
  EXPECT_EQ(config.data().max_cached_bytes(), int64_t{2} << 30);
  EXPECT_EQ(config.model().backbone(), ModelConfig::BACKBONE_SMALL_CONVNET);
  EXPECT_EQ(config.model().dimension(), 64);
  EXPECT_EQ(config.model().input_side(), 64);
  EXPECT_EQ(config.model().resize_side(), 64);
  EXPECT_EQ(config.model().input_channels(), 3);
  EXPECT_EQ(config.model().resize(), ModelConfig::RESIZE_SHORT_SIDE);
  EXPECT_THAT(config.model().convnet_channels(), ElementsAre(32, 64, 128));
  EXPECT_EQ(config.model().convnet_convolutions_per_stage(), 2);
  EXPECT_EQ(config.model().pooling(), ModelConfig::POOLING_FLATTEN);
  EXPECT_TRUE(config.model().input_mean().empty());
  EXPECT_EQ(config.loss().proxy_nca().denominator(), v1::ProxyNcaConfig::DENOMINATOR_ALL);
  EXPECT_EQ(config.loss().proxy_nca().embedding_scale(), 3);
  EXPECT_EQ(config.loss().proxy_nca().proxy_scale(), 3);
  EXPECT_EQ(config.optimizer().learning_rate(), 0.001);
  EXPECT_DOUBLE_EQ(config.optimizer().proxy_learning_rate(), 0.1);
  EXPECT_EQ(config.optimizer().weight_decay(), 0.0001);
  EXPECT_EQ(config.optimizer().schedule(), v1::OptimizerConfig::SCHEDULE_COSINE);
  EXPECT_TRUE(config.augmentation().horizontal_flip());
  EXPECT_EQ(config.augmentation().max_shift_pixels(), 4);
  EXPECT_EQ(config.augmentation().min_crop_area(), 0);
  EXPECT_EQ(config.augmentation().rotation_degrees(), 0);
  EXPECT_EQ(config.sampler().samples_per_class(), 0);
}

TEST(TrainingDefaultsTest, CropsAtRandomInPlaceOfShiftsWhereAnAreaIsGiven) {
  ASSERT_OK_AND_ASSIGN(const TrainingConfig config, LoadText(kSmallest, {"augmentation.min_crop_area=0.25"}));

  EXPECT_EQ(config.augmentation().max_shift_pixels(), 0);
  EXPECT_EQ(config.augmentation().max_crop_area(), 1);
  EXPECT_DOUBLE_EQ(config.augmentation().max_crop_aspect(), 4.0 / 3);
}

TEST(TrainingDefaultsTest, TakesDefaultsThatDependOnOtherFields) {
  ASSERT_OK_AND_ASSIGN(const TrainingConfig config, LoadText(std::string(kSmallest) + "model { backbone: BACKBONE_RESNET50 }"));

  EXPECT_EQ(config.model().input_side(), 224);
  EXPECT_EQ(config.augmentation().max_shift_pixels(), 14);
  EXPECT_TRUE(config.model().convnet_channels().empty());
  EXPECT_EQ(config.model().resnet_base_width(), 64);
  EXPECT_EQ(config.model().pooling(), ModelConfig::POOLING_AVERAGE);
  EXPECT_TRUE(config.model().input_mean().empty());
}

TEST(TrainingDefaultsTest, PretrainedResnetsSeeTheirInputAsOnImageNet) {
  ASSERT_OK_AND_ASSIGN(const TrainingConfig config,
                       LoadText(kSmallest, {"model.backbone=BACKBONE_RESNET18", "model.pretrained_path=r.pth"}));
  ASSERT_OK_AND_ASSIGN(const TrainingConfig own,
                       LoadText(kSmallest, {"model.backbone=BACKBONE_RESNET18", "model.pretrained_path=r.pth",
                                            "model.input_mean=0.5,0.5,0.5", "model.input_std=1,1,1"}));

  EXPECT_THAT(PreprocessingOf(config.model()).mean(), ElementsAre(0.485F, 0.456F, 0.406F));
  EXPECT_THAT(PreprocessingOf(config.model()).std(), ElementsAre(0.229F, 0.224F, 0.225F));
  EXPECT_THAT(PreprocessingOf(own.model()).mean(), ElementsAre(0.5F, 0.5F, 0.5F));
}

TEST(TrainingDefaultsTest, APathOfAProgramIsABackbone) {
  ASSERT_OK_AND_ASSIGN(const TrainingConfig config, LoadText(kSmallest, {"model.torchscript_path=net.pt"}));

  EXPECT_EQ(config.model().backbone(), ModelConfig::BACKBONE_TORCHSCRIPT);
  EXPECT_EQ(config.model().input_side(), 224);
  EXPECT_TRUE(ArchitectureOf(config.model()).has_torch_script());
}

TEST(TrainingDefaultsTest, KeepsWhatIsSetAlsoWhenItIsZero) {
  ASSERT_OK_AND_ASSIGN(const TrainingConfig config,
                       LoadText(kSmallest, {"epochs=0", "evaluate_every_epochs=0", "data.max_cached_bytes=0",
                                            "optimizer.weight_decay=0", "augmentation.horizontal_flip=false"}));

  EXPECT_EQ(config.epochs(), 0);
  EXPECT_EQ(config.evaluate_every_epochs(), 0);
  EXPECT_EQ(config.data().max_cached_bytes(), 0);
  EXPECT_EQ(config.optimizer().weight_decay(), 0);
  EXPECT_FALSE(config.augmentation().horizontal_flip());
}

}  // namespace
}  // namespace semblance::config
