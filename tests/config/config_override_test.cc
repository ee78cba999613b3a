#include "config/config_override.h"

#include <string>

#include "semblance/v1/training_config.pb.h"
#include "tests/testing/status_matchers.h"

namespace semblance::config {
namespace {

using ::testing::ElementsAre;
using testing::HasField;
using testing::HasReason;
using ::testing::HasSubstr;
using testing::StatusIs;
using testing::StatusMessage;
using v1::TrainingConfig;

TEST(ConfigOverrideTest, SetsEveryKindOfValue) {
  TrainingConfig config;

  EXPECT_OK(ApplyOverride("model_name=shoes-1", &config));
  EXPECT_OK(ApplyOverride("data.path=/data/a \"b\"=c\\d", &config));
  EXPECT_OK(ApplyOverride("epochs=7", &config));
  EXPECT_OK(ApplyOverride("optimizer.learning_rate=2.5e-4", &config));
  EXPECT_OK(ApplyOverride("augmentation.horizontal_flip=false", &config));
  EXPECT_OK(ApplyOverride("model.backbone=BACKBONE_RESNET18", &config));
  EXPECT_OK(ApplyOverride("model.convnet_channels=8,16,32", &config));

  EXPECT_EQ(config.model_name(), "shoes-1");
  EXPECT_EQ(config.data().path(), "/data/a \"b\"=c\\d");
  EXPECT_EQ(config.epochs(), 7);
  EXPECT_EQ(config.optimizer().learning_rate(), 2.5e-4);
  EXPECT_TRUE(config.augmentation().has_horizontal_flip());
  EXPECT_FALSE(config.augmentation().horizontal_flip());
  EXPECT_EQ(config.model().backbone(), v1::ModelConfig::BACKBONE_RESNET18);
  EXPECT_THAT(config.model().convnet_channels(), ElementsAre(8, 16, 32));
}

TEST(ConfigOverrideTest, ReplacesWhatWasThere) {
  TrainingConfig config;
  config.set_epochs(3);
  config.mutable_model()->add_convnet_channels(99);

  EXPECT_OK(ApplyOverride("epochs=4", &config));
  EXPECT_OK(ApplyOverride("model.convnet_channels=1", &config));

  EXPECT_EQ(config.epochs(), 4);
  EXPECT_THAT(config.model().convnet_channels(), ElementsAre(1));
}

struct BadOverride {
  const char* name;
  const char* assignment;
  const char* field;
  const char* message;
};

class BadOverrideTest : public ::testing::TestWithParam<BadOverride> {};

TEST_P(BadOverrideTest, IsRefusedWithThePath) {
  TrainingConfig config;

  const absl::Status status = ApplyOverride(GetParam().assignment, &config);

  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(status, HasReason("CONFIG_INVALID"));
  EXPECT_THAT(status, HasField(GetParam().field));
  EXPECT_THAT(status, StatusMessage(HasSubstr(GetParam().message)));
}

INSTANTIATE_TEST_SUITE_P(ConfigOverrideTest, BadOverrideTest,
                         ::testing::Values(BadOverride{"UnknownField", "optimizer.rate=1", "optimizer.rate", "learning_rate"},
                                           BadOverride{"UnknownMessage", "optimiser.learning_rate=1", "optimiser.learning_rate",
                                                       "\"optimiser\""},
                                           BadOverride{"NoValue", "epochs", "epochs", "path.to.field=value"},
                                           BadOverride{"NotANumber", "epochs=many", "epochs", "many"},
                                           BadOverride{"TooLarge", "epochs=99999999999", "epochs", "99999999999"},
                                           BadOverride{"UnknownEnumValue", "model.backbone=VGG", "model.backbone", "VGG"},
                                           BadOverride{"AMessage", "model=x", "model", "dimension"},
                                           BadOverride{"BelowAValue", "epochs.x=1", "epochs.x", "has no fields"},
                                           BadOverride{"Empty", "", "", "path.to.field=value"}),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace semblance::config
