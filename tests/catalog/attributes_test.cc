#include <cstdint>
#include <limits>
#include <string>

#include "catalog/catalog.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace semblance::catalog {
namespace {

using ::semblance::testing::HasField;
using ::semblance::testing::HasReason;
using ::semblance::testing::StatusIs;
using ::testing::AllOf;

TEST(AttributesTest, AreOneObjectWithSortedKeys) {
  EXPECT_EQ(AttributesToJson({{"b", int64_t{-3}}, {"a", std::string("x\"y")}, {"c", true}}), R"({"a":"x\"y","b":-3,"c":true})");
  EXPECT_EQ(AttributesToJson({}), "{}");
}

TEST(AttributesTest, TellIntegersFromDoubles) {
  EXPECT_EQ(AttributesToJson({{"d", 1.0}, {"i", int64_t{1}}}), R"({"d":1.0,"i":1})");
}

TEST(AttributesTest, ComeBackAsTheyWere) {
  const Attributes attributes = {
      {"empty", std::string()},
      {"nul", std::string("a\0b", 3)},
      {"grüße", std::string("größer")},
      {"max", std::numeric_limits<int64_t>::max()},
      {"min", std::numeric_limits<int64_t>::min()},
      {"tenth", 0.1},
      {"huge", std::numeric_limits<double>::max()},
      {"tiny", std::numeric_limits<double>::denorm_min()},
      {"whole", 1e15},
      {"no", false},
  };
  ASSERT_OK_AND_ASSIGN(const Attributes decoded, AttributesFromJson(AttributesToJson(attributes)));
  EXPECT_EQ(decoded, attributes);
}

class BadAttributesTest : public ::testing::TestWithParam<const char*> {};

TEST_P(BadAttributesTest, AreRefusedByName) {
  EXPECT_THAT(AttributesFromJson(GetParam()),
              AllOf(StatusIs(absl::StatusCode::kInvalidArgument), HasReason("INVALID_ATTRIBUTE"), HasField("attributes")));
}

INSTANTIATE_TEST_SUITE_P(Documents, BadAttributesTest,
                         ::testing::Values("", "{", "[]", "1", "null", R"({"a":null})", R"({"a":[1]})", R"({"a":{}})",
                                           R"({"a":9223372036854775808})", R"({"a":1e999})", "{\"a\":\"\xff\"}"));

}  // namespace
}  // namespace semblance::catalog
