#include "index/validation.h"

#include <cstdint>
#include <limits>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace semblance::index {
namespace {

using ::semblance::testing::StatusIs;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

auto IsInvalid() {
  return StatusIs(absl::StatusCode::kInvalidArgument);
}

TEST(ValidateVectors, WantsTheDimensionAndFiniteComponents) {
  const std::vector<float> good = {1, 0};
  const std::vector<float> longer = {1, 0, 0};
  EXPECT_OK(ValidateVectors({}, 2));
  EXPECT_OK(ValidateVectors({{1, good}, {2, good}}, 2));
  EXPECT_THAT(ValidateVectors({{1, good}, {2, longer}}, 2), IsInvalid());
  EXPECT_THAT(ValidateVectors({{1, {}}}, 2), IsInvalid());
  for (const float bad : {kNan, kInfinity, -kInfinity}) {
    const std::vector<float> vector = {1, bad};
    EXPECT_THAT(ValidateVectors({{1, vector}}, 2), IsInvalid()) << bad;
  }
}

TEST(ValidateStep, WantsKeysThatAscendAfterTheAppliedSequence) {
  EXPECT_OK(ValidateStep({{6, {}}, {9, {}}}, {}, 5, 9));
  EXPECT_OK(ValidateStep({{6, {}}}, {}, 5, 100));
  EXPECT_THAT(ValidateStep({{5, {}}}, {}, 5, 9), IsInvalid());
  EXPECT_THAT(ValidateStep({{7, {}}, {7, {}}}, {}, 5, 9), IsInvalid());
  EXPECT_THAT(ValidateStep({{8, {}}, {7, {}}}, {}, 5, 9), IsInvalid());
  EXPECT_THAT(ValidateStep({{6, {}}, {9, {}}}, {}, 5, 8), IsInvalid()) << "the step ends before its last key";
}

TEST(ValidateStep, WantsDeletionsAfterTheAppliedSequenceAndWithinTheStep) {
  EXPECT_OK(ValidateStep({}, {{1, 6}, {2, 9}, {3, 7}}, 5, 9)) << "deletions come in any order";
  EXPECT_THAT(ValidateStep({}, {{1, 5}}, 5, 9), IsInvalid());
  EXPECT_THAT(ValidateStep({}, {{1, 10}}, 5, 9), IsInvalid());
}

TEST(ValidateStep, AllowsAStepWithoutChangesButNotOneBackwards) {
  EXPECT_OK(ValidateStep({}, {}, 5, 5));
  EXPECT_OK(ValidateStep({}, {}, 5, 6));
  EXPECT_THAT(ValidateStep({}, {}, 5, 4), IsInvalid());
}

TEST(ValidateLiveKeys, WantsThemToAscendUpToTheSequence) {
  EXPECT_OK(ValidateLiveKeys({}, 0));
  EXPECT_OK(ValidateLiveKeys({1, 3, 9}, 9));
  EXPECT_THAT(ValidateLiveKeys({1, 3, 3}, 9), IsInvalid());
  EXPECT_THAT(ValidateLiveKeys({3, 1}, 9), IsInvalid());
  EXPECT_THAT(ValidateLiveKeys({1, 10}, 9), IsInvalid());
}

TEST(ValidateSearch, WantsWholeQueriesThatAreFinite) {
  const std::vector<float> two = {1, 0, 0, 1};
  EXPECT_OK(ValidateSearch(two, {}, 2));
  EXPECT_OK(ValidateSearch(two, {}, 4));
  EXPECT_THAT(ValidateSearch(two, {}, 3), IsInvalid());
  EXPECT_THAT(ValidateSearch({}, {}, 2), IsInvalid());
  EXPECT_THAT(ValidateSearch({1, kNan}, {}, 2), IsInvalid());
  EXPECT_THAT(ValidateSearch({1, kInfinity}, {}, 2), IsInvalid());
}

TEST(ValidateSearch, WantsAtLeastOneRowAndNoNegativeEffort) {
  const std::vector<float> query = {1, 0};
  EXPECT_OK(ValidateSearch(query, {.top_k = 1, .ef_search = 0, .nprobe = 0}, 2));
  EXPECT_THAT(ValidateSearch(query, {.top_k = 0}, 2), IsInvalid());
  EXPECT_THAT(ValidateSearch(query, {.ef_search = -1}, 2), IsInvalid());
  EXPECT_THAT(ValidateSearch(query, {.nprobe = -1}, 2), IsInvalid());
}

}  // namespace
}  // namespace semblance::index
