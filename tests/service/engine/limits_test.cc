#include "service/engine/limits.h"

#include <cmath>
#include <filesystem>
#include <limits>

#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace semblance::service {
namespace {

using testing::HasField;
using testing::HasReason;

v1::Limits DefaultLimits() {
  return CompleteServerConfig({})->limits();
}

TEST(ServerConfigTest, FillsInTheDocumentedDefaults) {
  ASSERT_OK_AND_ASSIGN(const v1::ServerConfig config, CompleteServerConfig({}));
  EXPECT_EQ(config.limits().max_image_bytes(), 8 << 20);
  EXPECT_EQ(config.limits().max_image_pixels(), 40'000'000);
  EXPECT_EQ(config.limits().max_image_side(), 16384);
  EXPECT_EQ(config.limits().max_message_bytes(), 16 << 20);
  EXPECT_EQ(config.limits().max_top_k(), 1000);
  EXPECT_EQ(config.index().seal_rows(), 8192);
  EXPECT_EQ(config.index().factory(), "auto");
  EXPECT_EQ(config.index().target_recall(), 0.99);
  EXPECT_EQ(config.drain_seconds(), 20);
  EXPECT_EQ(config.device(), "auto");
  EXPECT_GE(config.worker_threads(), 1);
  EXPECT_EQ(config.recall_probe().one_in(), 100);
  EXPECT_EQ(config.model_registry().watch_seconds(), 10);
  EXPECT_EQ(config.generations().builder_threads(), 0) << "one per core of the machine where the builder runs";
  EXPECT_EQ(std::filesystem::path(config.generations().builder_path()).filename(), "semblance-builder");
  EXPECT_TRUE(std::filesystem::path(config.generations().builder_path()).is_absolute());
  EXPECT_GE(config.generations().memory_budget_mib(), 1);
  EXPECT_EQ(config.generations().grace_seconds(), 60);
  EXPECT_EQ(config.generations().max_write_pause_ms(), 50);
}

TEST(ServerConfigTest, KeepsWhatIsSet) {
  v1::ServerConfig config;
  config.mutable_limits()->set_max_top_k(7);
  config.set_device("cpu");
  config.mutable_recall_probe()->set_one_in(0);
  config.mutable_model_registry()->set_watch_seconds(0);
  config.mutable_generations()->set_builder_threads(3);
  config.mutable_generations()->set_builder_path("/opt/builder");
  config.mutable_generations()->set_memory_budget_mib(7);
  config.mutable_generations()->set_grace_seconds(0);
  config.mutable_generations()->set_max_write_pause_ms(5);
  ASSERT_OK_AND_ASSIGN(config, CompleteServerConfig(config));
  EXPECT_EQ(config.limits().max_top_k(), 7);
  EXPECT_EQ(config.device(), "cpu");
  EXPECT_EQ(config.recall_probe().one_in(), 0) << "no probe is not the default";
  EXPECT_EQ(config.model_registry().watch_seconds(), 0) << "no watch is not the default";
  EXPECT_EQ(config.generations().builder_threads(), 3);
  EXPECT_EQ(config.generations().builder_path(), "/opt/builder");
  EXPECT_EQ(config.generations().memory_budget_mib(), 7);
  EXPECT_EQ(config.generations().grace_seconds(), 0) << "no grace is not the default";
  EXPECT_EQ(config.generations().max_write_pause_ms(), 5);
}

TEST(ServerConfigTest, RefusesValuesOutOfRangeByName) {
  v1::ServerConfig negative;
  negative.mutable_limits()->set_max_top_k(-1);
  EXPECT_THAT(CompleteServerConfig(negative), HasField("limits.max_top_k"));
  v1::ServerConfig index;
  index.mutable_index()->set_factory("HNSW129");
  EXPECT_THAT(CompleteServerConfig(index), HasField("index.factory"));
  index.mutable_index()->set_factory("HNSW128");
  index.mutable_index()->set_target_recall(1.5);
  EXPECT_THAT(CompleteServerConfig(index), HasField("index.target_recall"));
  v1::ServerConfig batch;
  batch.mutable_batching()->set_max_batch_size(5000);
  EXPECT_THAT(CompleteServerConfig(batch), HasField("batching.max_batch_size"));
  v1::ServerConfig probe;
  probe.mutable_recall_probe()->set_one_in(-1);
  EXPECT_THAT(CompleteServerConfig(probe), HasField("recall_probe.one_in"));
}

TEST(ServerConfigTest, RefusesModelAndGenerationValuesOutOfRangeByName) {
  const auto check = [](const auto& set) {
    v1::ServerConfig config;
    set(config);
    return CompleteServerConfig(config);
  };
  for (const int seconds : {-1, 86'401}) {
    EXPECT_THAT(check([=](auto& config) { config.mutable_model_registry()->set_watch_seconds(seconds); }),
                HasField("model_registry.watch_seconds"));
  }
  for (const int threads : {-1, 1025}) {
    EXPECT_THAT(check([=](auto& config) { config.mutable_generations()->set_builder_threads(threads); }),
                HasField("generations.builder_threads"));
  }
  EXPECT_THAT(check([](auto& config) { config.mutable_generations()->set_memory_budget_mib(-1); }),
              HasField("generations.memory_budget_mib"));
  EXPECT_THAT(check([](auto& config) { config.mutable_generations()->set_grace_seconds(-1); }),
              HasField("generations.grace_seconds"));
  for (const int pause : {-1, 60'001}) {
    EXPECT_THAT(check([=](auto& config) { config.mutable_generations()->set_max_write_pause_ms(pause); }),
                HasField("generations.max_write_pause_ms"));
  }
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
  // Its square underflows in single precision.
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
