#include "generation/index_config.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace semblance::testing {
namespace {

TEST(CompleteIndexConfig, FillsInWhatIsNotSet) {
  ASSERT_OK_AND_ASSIGN(const v1::IndexConfig config, generation::CompleteIndexConfig({}));
  EXPECT_EQ(config.factory(), "auto");
  EXPECT_EQ(config.seal_rows(), 8192);
  EXPECT_EQ(config.hnsw_ef_construction(), 200);
  EXPECT_EQ(config.target_recall(), 0.99);
}

TEST(CompleteIndexConfig, NamesTheFieldThatMakesNoSense) {
  const auto field_of = [](auto set) {
    v1::IndexConfig config;
    set(config);
    const auto completed = generation::CompleteIndexConfig(config);
    EXPECT_THAT(completed, HasReason("CONFIG_INVALID"));
    return ErrorField(completed.status());
  };
  EXPECT_EQ(field_of([](v1::IndexConfig& config) { config.set_factory("IVF"); }), "index.factory");
  EXPECT_EQ(field_of([](v1::IndexConfig& config) { config.set_seal_rows(-1); }), "index.seal_rows");
  EXPECT_EQ(field_of([](v1::IndexConfig& config) { config.set_hnsw_ef_construction(4097); }), "index.hnsw_ef_construction");
  EXPECT_EQ(field_of([](v1::IndexConfig& config) { config.set_target_recall(0.4); }), "index.target_recall");
  EXPECT_EQ(field_of([](v1::IndexConfig& config) { config.set_memory_budget_mib(-1); }), "index.memory_budget_mib");
}

TEST(IndexOptionsOf, PrefersTheFactoryOfTheGeneration) {
  v1::IndexConfig config;
  config.set_factory("Flat");
  config.set_seal_rows(100);
  config.set_memory_budget_mib(3);
  ASSERT_OK_AND_ASSIGN(config, generation::CompleteIndexConfig(config));
  ASSERT_OK_AND_ASSIGN(index::SegmentedIndexOptions options, generation::IndexOptionsOf(config, "", 8));
  EXPECT_EQ(options.spec.kind, index::IndexSpec::Kind::kFlat);
  EXPECT_EQ(options.dimension, 8);
  EXPECT_EQ(options.seal_rows, 100);
  EXPECT_EQ(options.memory_budget_bytes, 3 << 20);
  ASSERT_OK_AND_ASSIGN(options, generation::IndexOptionsOf(config, "HNSW16", 8));
  EXPECT_EQ(options.spec.kind, index::IndexSpec::Kind::kHnsw);
}

TEST(IndexOptionsOf, RefusesAFactoryThatIsNone) {
  ASSERT_OK_AND_ASSIGN(const v1::IndexConfig config, generation::CompleteIndexConfig({}));
  EXPECT_THAT(generation::IndexOptionsOf(config, "LSH", 8), HasField("index_factory"));
  EXPECT_THAT(generation::IndexOptionsOf(config, "LSH", 8), HasReason("CONFIG_INVALID"));
  EXPECT_OK(generation::IndexOptionsOf(config, "IVF16,PQ4,RFlat", 8));
  EXPECT_THAT(generation::IndexOptionsOf(config, "IVF16,PQ3,RFlat", 8), HasField("index_factory"));
  EXPECT_THAT(generation::IndexOptionsOf(config, "IVF16,PQ3,RFlat", 8), HasReason("CONFIG_INVALID"));
}

}  // namespace
}  // namespace semblance::testing
