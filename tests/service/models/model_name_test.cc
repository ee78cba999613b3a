#include "service/models/model_name.h"

#include <string>

#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace semblance::service {
namespace {

using ::semblance::testing::HasField;
using ::semblance::testing::HasReason;
using ::testing::AllOf;

TEST(ModelNameTest, NamesAVersionAnAliasOrTheGreatestVersion) {
  ASSERT_OK_AND_ASSIGN(const ModelName version, ParseModelName("shoes/12", "model"));
  EXPECT_EQ(version.name, "shoes");
  EXPECT_EQ(version.version, 12);
  EXPECT_EQ(version.alias, "");
  ASSERT_OK_AND_ASSIGN(const ModelName alias, ParseModelName("shoes@champion", "model"));
  EXPECT_EQ(alias.name, "shoes");
  EXPECT_EQ(alias.version, std::nullopt);
  EXPECT_EQ(alias.alias, "champion");
  ASSERT_OK_AND_ASSIGN(const ModelName latest, ParseModelName("a.b_c-2", "model"));
  EXPECT_EQ(latest.name, "a.b_c-2");
  EXPECT_EQ(latest.version, std::nullopt);
  EXPECT_EQ(latest.alias, "");
}

TEST(ModelNameTest, RefusesWhatNamesNothing) {
  const std::string texts[] = {"",
                               "Shoes",
                               "-shoes",
                               "sho es",
                               "../shoes",
                               "/3",
                               "@champion",
                               "shoes/",
                               "shoes@",
                               "shoes/0",
                               "shoes/03",
                               "shoes/+3",
                               "shoes/-3",
                               "shoes/ 3",
                               "shoes/3x",
                               "shoes/2147483648",
                               "shoes/3@champion",
                               "shoes@champion/3",
                               "shoes@best",
                               std::string(65, 'a'),
                               std::string("shoes\0", 6)};
  for (const std::string& text : texts) {
    EXPECT_THAT(ParseModelName(text, "model"), AllOf(HasReason("INVALID_MODEL_NAME"), HasField("model"))) << text;
  }
}

TEST(ModelNameTest, TheGreatestVersionFits) {
  ASSERT_OK_AND_ASSIGN(const ModelName name, ParseModelName("shoes/2147483647", "model"));
  EXPECT_EQ(name.version, 2147483647);
}

}  // namespace
}  // namespace semblance::service
