#include "config/field_text.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "semblance/v1/training_config.pb.h"
#include "tests/testing/status_matchers.h"

namespace semblance::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::StatusIs;
using testing::StatusMessage;

absl::Status Set(const std::string& name, const std::string& text, google::protobuf::Message* message) {
  return SetFieldFromText(text, *message->GetDescriptor()->FindFieldByName(name), message);
}

TEST(FieldTextTest, TakesNumbersFlagsTextAndEnums) {
  v1::ModelConfig model;
  EXPECT_OK(Set("dimension", "32", &model));
  EXPECT_OK(Set("head_layer_norm", "true", &model));
  EXPECT_OK(Set("pretrained_path", "a \"quoted\" path\\with, signs", &model));
  EXPECT_OK(Set("resize", "RESIZE_FIT", &model));
  EXPECT_EQ(model.dimension(), 32);
  EXPECT_TRUE(model.head_layer_norm());
  EXPECT_EQ(model.pretrained_path(), "a \"quoted\" path\\with, signs");
  EXPECT_EQ(model.resize(), v1::ModelConfig::RESIZE_FIT);
}

TEST(FieldTextTest, ReplacesTheValuesOfAList) {
  v1::ModelConfig model;
  model.add_convnet_channels(7);
  EXPECT_OK(Set("convnet_channels", "8, 16,32", &model));
  EXPECT_THAT(model.convnet_channels(), ElementsAre(8, 16, 32));
  EXPECT_OK(Set("convnet_channels", "", &model));
  EXPECT_TRUE(model.convnet_channels().empty());
}

TEST(FieldTextTest, SetsAnEmptyMessage) {
  v1::LossConfig loss;
  EXPECT_OK(Set("n_pairs", "{}", &loss));
  EXPECT_TRUE(loss.has_n_pairs());
}

TEST(FieldTextTest, SaysWhatIsWrongWithAValue) {
  v1::ModelConfig model;
  const absl::Status status = Set("dimension", "many", &model);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(status, StatusMessage(HasSubstr("\"many\"")));
  EXPECT_THAT(Set("resize", "RESIZE_TWICE", &model), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace semblance::config
