#include "config/training_conflicts.h"

#include <string>
#include <vector>

#include "config/training_config.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/config/load_text.h"
#include "tests/testing/status_matchers.h"

namespace semblance::config {
namespace {

using testing::HasField;
using testing::kSmallest;
using testing::LoadText;
using v1::TrainingConfig;

TEST(TrainingConflictsTest, TakesSamplesPerClassThatDivideTheBatch) {
  ASSERT_OK_AND_ASSIGN(const TrainingConfig config, LoadText(kSmallest, {"batch_size=120", "sampler.samples_per_class=4"}));

  EXPECT_EQ(config.sampler().samples_per_class(), 4);
}

TEST(TrainingConflictsTest, RefusesOptionsThatDoNotGoTogether) {
  EXPECT_THAT(LoadText(kSmallest, {"model.backbone=BACKBONE_RESNET18", "model.pooling=POOLING_FLATTEN"}),
              HasField("model.pooling"));
  EXPECT_THAT(LoadText(kSmallest, {"model.backbone=BACKBONE_RESNET18", "model.resnet_base_width=300"}),
              HasField("model.resnet_base_width"));
  EXPECT_THAT(LoadText(kSmallest, {"model.backbone=BACKBONE_BN_INCEPTION", "model.input_side=48"}), HasField("model.input_side"));
  EXPECT_THAT(LoadText(kSmallest, {"model.torchscript_path=n.pt", "model.pretrained_path=r.pth"}),
              HasField("model.pretrained_path"));
  EXPECT_THAT(LoadText(kSmallest, {"model.torchscript_path=n.pt", "model.backbone=BACKBONE_RESNET18"}),
              HasField("model.torchscript_path"));
  EXPECT_THAT(LoadText(kSmallest, {"model.input_mean=0,0", "model.input_std=1,1"}), HasField("model.input_mean"));
  EXPECT_THAT(LoadText(kSmallest, {"model.input_mean=0,0,0", "model.input_std=1,1,0"}), HasField("model.input_std"));
}

TEST(TrainingConflictsTest, CachesFeaturesOfImagesAsTheyAre) {
  const std::vector<std::string> cached = {"model.freeze_backbone=true", "model.cache_features=true"};
  ASSERT_OK_AND_ASSIGN(const TrainingConfig config, LoadText(kSmallest, cached));
  EXPECT_FALSE(config.augmentation().horizontal_flip());
  EXPECT_EQ(config.augmentation().max_shift_pixels(), 0);
  for (const std::string field :
       {"augmentation.horizontal_flip=true", "augmentation.max_shift_pixels=2", "augmentation.min_crop_area=0.5",
        "augmentation.rotation_degrees=5", "augmentation.shear_degrees=5", "augmentation.brightness=0.1",
        "augmentation.contrast=0.1", "augmentation.saturation=0.1", "warm_up_epochs=1"}) {
    std::vector<std::string> more = cached;
    more.push_back(field);
    EXPECT_THAT(LoadText(kSmallest, more), HasField(field.substr(0, field.find('=')))) << field;
  }
}

TEST(TrainingConflictsTest, RefusesFieldsOfProxiesWithALossThatHasNone) {
  for (const std::string loss : {"loss.triplet.margin=0.3", "loss.n_pairs.scale=8", "loss.lifted_structure.margin=0.5"}) {
    ASSERT_OK_AND_ASSIGN(const TrainingConfig config, LoadText(kSmallest, {loss}));
    EXPECT_EQ(config.proxies().ByteSizeLong(), 0U) << loss;
    for (const std::string field : {"proxies.per_class=2", "proxies.assignment=ASSIGNMENT_DYNAMIC",
                                    "proxies.initialization=INITIALIZATION_RANDOM", "proxies.sampled_negatives=5"}) {
      EXPECT_THAT(LoadText(kSmallest, {loss, field}), HasField(field.substr(0, field.find('=')))) << loss << " " << field;
    }
  }
}

TEST(TrainingConflictsTest, RefusesALargestCropBelowTheSmallest) {
  EXPECT_THAT(LoadText(kSmallest, {"augmentation.min_crop_area=0.5", "augmentation.max_crop_area=0.4"}),
              HasField("augmentation.max_crop_area"));
}

TEST(TrainingConflictsTest, RefusesConvnetFieldsForOtherBackbones) {
  EXPECT_THAT(LoadText(kSmallest, {"model.backbone=BACKBONE_RESNET18", "model.convnet_channels=8"}),
              HasField("model.convnet_channels"));
}

TEST(TrainingConflictsTest, CountsDynamicProxiesByClassOrInAll) {
  const std::string dynamic = "proxies.assignment=ASSIGNMENT_DYNAMIC";
  ASSERT_OK_AND_ASSIGN(const TrainingConfig by_class, LoadText(kSmallest, {dynamic}));
  EXPECT_EQ(by_class.proxies().per_class(), 1);
  ASSERT_OK_AND_ASSIGN(const TrainingConfig in_all, LoadText(kSmallest, {dynamic, "proxies.count=50"}));
  EXPECT_EQ(in_all.proxies().per_class(), 0);
  EXPECT_THAT(LoadText(kSmallest, {dynamic, "proxies.count=50", "proxies.per_class=2"}), HasField("proxies.count"));
  EXPECT_THAT(LoadText(kSmallest, {dynamic, "proxies.count=1"}), HasField("proxies.count"));
}

}  // namespace
}  // namespace semblance::config
