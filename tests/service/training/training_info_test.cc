#include "service/training/training_info.h"

#include "gtest/gtest.h"

namespace semblance::service {
namespace {

TEST(OnSuccessTest, EveryNameIsReadBack) {
  for (const OnSuccess each : {OnSuccess::kNothing, OnSuccess::kRegister, OnSuccess::kBuild, OnSuccess::kActivateIfBetter}) {
    EXPECT_EQ(OnSuccessOf(OnSuccessName(each)), each);
  }
  EXPECT_EQ(OnSuccessName(OnSuccess::kActivateIfBetter), "activate_if_better");
}

TEST(OnSuccessTest, AnUnknownNameMeansThatNothingIsDone) {
  EXPECT_EQ(OnSuccessOf(""), OnSuccess::kNothing);
  EXPECT_EQ(OnSuccessOf("celebrate"), OnSuccess::kNothing);
}

}  // namespace
}  // namespace semblance::service
