#include "service/engine/limits.h"

#include <cmath>
#include <limits>

#include "config/server_config.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace semblance::service {
namespace {

using testing::HasField;
using testing::HasReason;

v1::Limits DefaultLimits() {
  return config::CompleteServerConfig({})->limits();
}

TEST(LimitsTest, IdsAreTakenAtTheLimitAndRefusedOnePast) {
  const v1::Limits limits = DefaultLimits();
  EXPECT_OK(CheckItemId("id", std::string(128, 'x'), limits));
  EXPECT_THAT(CheckItemId("id", std::string(129, 'x'), limits), HasReason("INVALID_ID"));
  EXPECT_THAT(CheckItemId("id", "", limits), HasReason("INVALID_ID"));
  EXPECT_THAT(CheckItemId("id", absl::string_view("a\0b", 3), limits), HasReason("INVALID_ID"));
  EXPECT_OK(CheckItemId("id", "f\xc3\xbc\xc3\x9f/7", limits));
}

SearchInput InputWith(Query query) {
  SearchInput input;
  input.queries.push_back(std::move(query));
  input.query_fields.emplace_back("query");
  input.top_k = 5;
  return input;
}

TEST(LimitsTest, TopKIsTakenAtTheLimitAndRefusedOnePast) {
  SearchInput input = InputWith(ItemQuery{.id = "a"});
  for (const int top_k : {1, 1000}) {
    input.top_k = top_k;
    EXPECT_OK(CheckSearch(input, DefaultLimits()));
  }
  for (const int top_k : {-1, 0, 1001, std::numeric_limits<int>::max()}) {
    input.top_k = top_k;
    EXPECT_THAT(CheckSearch(input, DefaultLimits()), HasField("top_k"));
  }
}

TEST(LimitsTest, ExclusionsAreTakenAtTheLimitAndRefusedOnePast) {
  SearchInput input = InputWith(ItemQuery{.id = "a"});
  input.exclude_item_ids.assign(1000, "x");
  EXPECT_OK(CheckSearch(input, DefaultLimits()));
  input.exclude_item_ids.emplace_back("y");
  EXPECT_THAT(CheckSearch(input, DefaultLimits()), HasField("exclude_item_ids"));
}

TEST(LimitsTest, RefusesVectorsWithoutDirectionOrSpace) {
  const auto check = [](std::vector<float> values, std::string space) {
    return CheckSearch(InputWith(VectorQuery{.values = std::move(values), .embedding_space_id = std::move(space)}),
                       DefaultLimits());
  };
  EXPECT_OK(check({1, 0}, "s"));
  EXPECT_THAT(check({1, std::nanf("")}, "s"), HasReason("INVALID_VECTOR"));
  EXPECT_THAT(check({1, std::numeric_limits<float>::infinity()}, "s"), HasReason("INVALID_VECTOR"));
  EXPECT_THAT(check({0, 0}, "s"), HasReason("INVALID_VECTOR"));
  EXPECT_THAT(check({}, "s"), HasReason("INVALID_VECTOR"));
  EXPECT_THAT(check({1, 0}, ""), HasField("query.embedding.embedding_space_id"));
  // The square of this number underflows in single precision.
  EXPECT_OK(check({1e-30F, 0}, "s"));
}

TEST(LimitsTest, RefusesAQueryWithNothingInIt) {
  EXPECT_THAT(CheckSearch(InputWith(std::monostate()), DefaultLimits()), HasReason("QUERY_MISSING"));
}

std::vector<catalog::ItemWrite> Items(int count) {
  std::vector<catalog::ItemWrite> items;
  for (int i = 0; i < count; ++i) {
    items.push_back({.id = "item" + std::to_string(i), .image = "x", .label = {}, .attributes = {}});
  }
  return items;
}

TEST(LimitsTest, UpsertsAreTakenAtTheLimitAndRefusedOnePast) {
  EXPECT_OK(CheckUpsert(Items(1), DefaultLimits()));
  EXPECT_OK(CheckUpsert(Items(256), DefaultLimits()));
  EXPECT_THAT(CheckUpsert(Items(257), DefaultLimits()), HasField("items"));
  EXPECT_THAT(CheckUpsert({}, DefaultLimits()), HasField("items"));
}

TEST(LimitsTest, RefusesTheSameIdTwice) {
  std::vector<catalog::ItemWrite> items = Items(3);
  items[2].id = items[0].id;
  EXPECT_THAT(CheckUpsert(items, DefaultLimits()), HasField("items[2].id"));
  EXPECT_THAT(CheckIds({"a", "b", "a"}, DefaultLimits()), HasReason("DUPLICATE_ID"));
}

TEST(LimitsTest, LabelsAndAttributesHaveLimits) {
  std::vector<catalog::ItemWrite> items = Items(1);
  items[0].label = std::string(256, 'x');
  EXPECT_OK(CheckUpsert(items, DefaultLimits()));
  items[0].label = std::string(257, 'x');
  EXPECT_THAT(CheckUpsert(items, DefaultLimits()), HasField("items[0].label"));
  items[0].label.reset();
  items[0].attributes["note"] = std::string(16 << 10, 'x');
  EXPECT_THAT(CheckUpsert(items, DefaultLimits()), HasField("items[0].attributes"));
  items[0].attributes = {{"weight", std::numeric_limits<double>::infinity()}};
  EXPECT_THAT(CheckUpsert(items, DefaultLimits()), HasField("items[0].attributes[weight]"));
  items[0].attributes = {{std::string(65, 'k'), true}};
  EXPECT_THAT(CheckUpsert(items, DefaultLimits()), HasReason("INVALID_ATTRIBUTE"));
  items[0].attributes = {{"weight", 1.5}, {"stock", int64_t{3}}, {"new", true}, {"note", std::string("fine")}};
  EXPECT_OK(CheckUpsert(items, DefaultLimits()));
}

}  // namespace
}  // namespace semblance::service
