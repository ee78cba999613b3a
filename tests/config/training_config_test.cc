#include "config/training_config.h"

#include <functional>
#include <string>

#include "tests/config/load_text.h"
#include "tests/testing/status_matchers.h"
#include "trainer/data/augment.h"

namespace semblance::config {
namespace {

using ::testing::ElementsAre;
using testing::HasField;
using testing::HasReason;
using ::testing::HasSubstr;
using testing::kSmallest;
using testing::LoadText;
using testing::StatusIs;
using testing::StatusMessage;
using v1::ModelConfig;
using v1::TrainingConfig;

TEST(TrainingConfigTest, SaysAllOfTheAugmentation) {
  ASSERT_OK_AND_ASSIGN(
      const TrainingConfig config,
      LoadText(std::string(kSmallest) +
               "augmentation { horizontal_flip: false max_shift_pixels: 2 min_crop_area: 0.1 max_crop_area: 0.9 "
               "max_crop_aspect: 2 rotation_degrees: 3 shear_degrees: 4 brightness: 0.5 contrast: 0.6 saturation: 0.7 }"));

  const trainer::Augmentation augmentation = trainer::AugmentationOf(config.augmentation());

  EXPECT_FALSE(augmentation.horizontal_flip);
  EXPECT_EQ(augmentation.max_shift_pixels, 2);
  EXPECT_EQ(augmentation.min_crop_area, 0.1);
  EXPECT_EQ(augmentation.max_crop_area, 0.9);
  EXPECT_EQ(augmentation.max_crop_aspect, 2);
  EXPECT_EQ(augmentation.rotation_degrees, 3);
  EXPECT_EQ(augmentation.shear_degrees, 4);
  EXPECT_EQ(augmentation.brightness, 0.5);
  EXPECT_EQ(augmentation.contrast, 0.6);
  EXPECT_EQ(augmentation.saturation, 0.7);
}

TEST(TrainingConfigTest, AppliesOverridesInOrderBeforeTheDefaults) {
  ASSERT_OK_AND_ASSIGN(const TrainingConfig config,
                       LoadText(kSmallest, {"optimizer.learning_rate=0.5", "optimizer.learning_rate=0.002", "epochs=3"}));

  EXPECT_EQ(config.optimizer().learning_rate(), 0.002);
  EXPECT_DOUBLE_EQ(config.optimizer().proxy_learning_rate(), 0.2);
  EXPECT_EQ(config.epochs(), 3);
}

TEST(TrainingConfigTest, NamesThePlaceOfTextThatDoesNotParse) {
  const auto config = LoadText("model_name: 'm'\nepoch: 3\n");

  EXPECT_THAT(config, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(config, HasReason("CONFIG_INVALID"));
  EXPECT_THAT(config, StatusMessage(HasSubstr("c.textproto:2:")));
  EXPECT_THAT(config, StatusMessage(HasSubstr("epoch")));
}

TEST(TrainingConfigTest, NamesAFileThatIsNotThere) {
  EXPECT_THAT(LoadTrainingConfig("/nonexistent/c.textproto", {}), StatusIs(absl::StatusCode::kNotFound));
}

TEST(TrainingConfigTest, SaysTheSameToTheBundle) {
  ASSERT_OK_AND_ASSIGN(
      const TrainingConfig config,
      LoadText(std::string(kSmallest) + "model { input_side: 24 resize_side: 32 input_channels: 1 resize: RESIZE_FIT "
                                        "convnet_channels: [4, 8] convnet_convolutions_per_stage: 3 }"));

  const storage::v1::Architecture architecture = ArchitectureOf(config.model());
  const storage::v1::Preprocessing preprocessing = PreprocessingOf(config.model());

  EXPECT_THAT(architecture.small_convnet().channels(), ElementsAre(4, 8));
  EXPECT_EQ(architecture.small_convnet().convolutions_per_stage(), 3);
  EXPECT_EQ(preprocessing.resize(), storage::v1::Preprocessing::RESIZE_FIT);
  EXPECT_EQ(preprocessing.resize_side(), 32);
  EXPECT_EQ(preprocessing.crop_side(), 24);
  EXPECT_EQ(preprocessing.channels(), 1);
}

TEST(TrainingConfigTest, NamesResizePoliciesLikeTheBundle) {
  using storage::v1::Preprocessing;
  EXPECT_EQ(ModelConfig::Resize_Name(ModelConfig::RESIZE_STRETCH), Preprocessing::Resize_Name(Preprocessing::RESIZE_STRETCH));
  for (const ModelConfig::Resize resize : {ModelConfig::RESIZE_STRETCH, ModelConfig::RESIZE_SHORT_SIDE, ModelConfig::RESIZE_FIT}) {
    EXPECT_EQ(ModelConfig::Resize_Name(resize), Preprocessing::Resize_Name(static_cast<Preprocessing::Resize>(resize)));
  }
}

TEST(TrainingConfigTest, SaysEveryOptionOfTheNetworkToTheBundle) {
  ASSERT_OK_AND_ASSIGN(
      const TrainingConfig config,
      LoadText(std::string(kSmallest) + "model { backbone: BACKBONE_RESNET18 input_side: 32 resnet_base_width: 32 "
                                        "resnet_small_image_stem: true pooling: POOLING_MAX head_layer_norm: true }"));
  ASSERT_OK_AND_ASSIGN(const TrainingConfig inception, LoadText(kSmallest, {"model.backbone=BACKBONE_BN_INCEPTION"}));

  const storage::v1::Architecture architecture = ArchitectureOf(config.model());

  EXPECT_EQ(architecture.resnet().depth(), 18);
  EXPECT_EQ(architecture.resnet().base_width(), 32);
  EXPECT_TRUE(architecture.resnet().small_image_stem());
  EXPECT_EQ(architecture.pooling(), storage::v1::Architecture::POOLING_MAX);
  EXPECT_TRUE(architecture.head_layer_norm());
  EXPECT_TRUE(ArchitectureOf(inception.model()).has_bn_inception());
}

TEST(TrainingConfigTest, NamesPoolingsLikeTheBundle) {
  using storage::v1::Architecture;
  for (int pooling = 0; pooling < ModelConfig::Pooling_ARRAYSIZE; ++pooling) {
    EXPECT_EQ(ModelConfig::Pooling_Name(static_cast<ModelConfig::Pooling>(pooling)),
              Architecture::Pooling_Name(static_cast<Architecture::Pooling>(pooling)));
  }
}

struct BadConfig {
  const char* name;
  const char* assignment;
  const char* field;
};

class BadConfigTest : public ::testing::TestWithParam<BadConfig> {};

TEST_P(BadConfigTest, IsRefusedWithTheField) {
  const auto config = LoadText(kSmallest, {GetParam().assignment});

  EXPECT_THAT(config, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(config, HasReason("CONFIG_INVALID"));
  EXPECT_THAT(config, HasField(GetParam().field));
  EXPECT_THAT(config, StatusMessage(HasSubstr(GetParam().field)));
}

INSTANTIATE_TEST_SUITE_P(
    TrainingConfigTest, BadConfigTest,
    ::testing::Values(
        BadConfig{"NoName", "model_name=", "model_name"}, BadConfig{"BadName", "model_name=My Model", "model_name"},
        BadConfig{"NoOutput", "output_dir=", "output_dir"}, BadConfig{"NoData", "data.path=", "data.path"},
        BadConfig{"HoldsOutAll", "data.hold_out_fraction=1", "data.hold_out_fraction"},
        BadConfig{"UnknownHoldOut", "data.hold_out=9", "data.hold_out"}, BadConfig{"NegativeEpochs", "epochs=-1", "epochs"},
        BadConfig{"TinyBatch", "batch_size=3", "batch_size"}, BadConfig{"NoThreads", "loader_threads=-1", "loader_threads"},
        BadConfig{"NegativeScale", "loss.proxy_nca.embedding_scale=-3", "loss.proxy_nca.embedding_scale"},
        BadConfig{"NotANumber", "loss.proxy_nca.proxy_scale=nan", "loss.proxy_nca.proxy_scale"},
        BadConfig{"InfiniteRate", "optimizer.learning_rate=inf", "optimizer.learning_rate"},
        BadConfig{"NegativeProxyRate", "optimizer.proxy_learning_rate=-1", "optimizer.proxy_learning_rate"},
        BadConfig{"NegativeDecay", "optimizer.weight_decay=-0.1", "optimizer.weight_decay"},
        BadConfig{"HugeDimension", "model.dimension=5000", "model.dimension"},
        BadConfig{"InputAboveResize", "model.resize_side=32", "model.input_side"},
        BadConfig{"TwoChannels", "model.input_channels=2", "model.input_channels"},
        BadConfig{"NoChannels", "model.convnet_channels=0", "model.convnet_channels"},
        BadConfig{"TooManyStages", "model.convnet_channels=8,8,8,8,8,8,8", "model.convnet_channels"},
        BadConfig{"TooManyConvolutions", "model.convnet_convolutions_per_stage=5", "model.convnet_convolutions_per_stage"},
        BadConfig{"WhitensTooMuch", "whitening=0.6", "whitening"},
        BadConfig{"WidthOfNoResnet", "model.resnet_base_width=32", "model.resnet_base_width"},
        BadConfig{"StemOfNoResnet", "model.resnet_small_image_stem=true", "model.resnet_base_width"},
        BadConfig{"UnknownPooling", "model.pooling=9", "model.pooling"},
        BadConfig{"BgrOfNothing", "model.pretrained_bgr=true", "model.pretrained_bgr"},
        BadConfig{"MeanWithoutStd", "model.input_mean=1,1,1", "model.input_mean"},
        BadConfig{"NoProgram", "model.backbone=BACKBONE_TORCHSCRIPT", "model.torchscript_path"},
        BadConfig{"UnknownBackbone", "model.backbone=7", "model.backbone"},
        BadConfig{"SamplesThatDoNotDivide", "sampler.samples_per_class=3", "sampler.samples_per_class"},
        BadConfig{"CountOfStaticProxies", "proxies.count=5", "proxies.count"},
        BadConfig{"ExamplesOfStaticProxies", "proxies.initialization=INITIALIZATION_EXAMPLES", "proxies.initialization"},
        BadConfig{"CachesALearningBackbone", "model.cache_features=true", "model.cache_features"},
        BadConfig{"OneSample", "sampler.samples_per_class=1", "sampler.samples_per_class"},
        BadConfig{"OneClass", "sampler.samples_per_class=128", "sampler.samples_per_class"},
        BadConfig{"NegativeSamples", "sampler.samples_per_class=-2", "sampler.samples_per_class"},
        BadConfig{"CropAboveTheImage", "augmentation.min_crop_area=1.5", "augmentation.min_crop_area"},
        BadConfig{"CropIsNotANumber", "augmentation.min_crop_area=nan", "augmentation.min_crop_area"},
        BadConfig{"LargestCropAlone", "augmentation.max_crop_area=0.5", "augmentation.max_crop_area"},
        BadConfig{"AspectAlone", "augmentation.max_crop_aspect=2", "augmentation.max_crop_aspect"},
        BadConfig{"TooMuchRotation", "augmentation.rotation_degrees=181", "augmentation.rotation_degrees"},
        BadConfig{"TooMuchShear", "augmentation.shear_degrees=46", "augmentation.shear_degrees"},
        BadConfig{"TooBright", "augmentation.brightness=1.1", "augmentation.brightness"},
        BadConfig{"NegativeContrast", "augmentation.contrast=-0.1", "augmentation.contrast"},
        BadConfig{"TooMuchSaturation", "augmentation.saturation=2", "augmentation.saturation"},
        BadConfig{"ShiftBeyondTheImage", "augmentation.max_shift_pixels=64", "augmentation.max_shift_pixels"}),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace semblance::config
