#include "common/error_reason.h"

#include <limits>
#include <set>
#include <string>

#include "gtest/gtest.h"

namespace semblance {
namespace {

TEST(ErrorReasonTest, ANameIsThatOfTheEnumWithoutItsPrefix) {
  EXPECT_EQ(ReasonName(v1::ERROR_REASON_ITEM_NOT_FOUND), "ITEM_NOT_FOUND");
  EXPECT_EQ(ReasonFromName("ITEM_NOT_FOUND"), v1::ERROR_REASON_ITEM_NOT_FOUND);
}

TEST(ErrorReasonTest, EveryReasonComesBackFromItsName) {
  std::set<std::string> names;
  for (int number = v1::ErrorReason_MIN; number <= v1::ErrorReason_MAX; ++number) {
    if (number != v1::ERROR_REASON_UNSPECIFIED && v1::ErrorReason_IsValid(number)) {
      const auto reason = static_cast<v1::ErrorReason>(number);
      EXPECT_TRUE(names.insert(ReasonName(reason)).second) << ReasonName(reason);
      EXPECT_EQ(ReasonFromName(ReasonName(reason)), reason);
    }
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(v1::ErrorReason_descriptor()->value_count() - 1));
}

TEST(ErrorReasonTest, NoReasonHasNoName) {
  EXPECT_EQ(ReasonName(v1::ERROR_REASON_UNSPECIFIED), "");
}

TEST(ErrorReasonTest, NumbersThatTheEnumDoesNotNameHaveNoName) {
  for (const int number : {v1::ErrorReason_MAX + 1, -1, std::numeric_limits<int>::max()}) {
    EXPECT_EQ(ReasonName(static_cast<v1::ErrorReason>(number)), "") << number;
  }
}

TEST(ErrorReasonTest, TextOfANewerServerIsUnspecified) {
  for (const char* text : {"", "ITEM_ON_THE_MOON", "item_not_found", "ERROR_REASON_ITEM_NOT_FOUND", "UNSPECIFIED"}) {
    EXPECT_EQ(ReasonFromName(text), v1::ERROR_REASON_UNSPECIFIED) << text;
  }
}

}  // namespace
}  // namespace semblance
