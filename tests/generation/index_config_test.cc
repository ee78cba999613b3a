#include "generation/index_config.h"

#include "config/server_config.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace semblance::testing {
namespace {

TEST(IndexOptionsOf, PrefersTheFactoryOfTheGeneration) {
  v1::IndexConfig config;
  config.set_factory("Flat");
  config.set_seal_rows(100);
  config.set_memory_budget_mib(3);
  ASSERT_OK_AND_ASSIGN(config, config::CompleteIndexConfig(config));
  ASSERT_OK_AND_ASSIGN(index::SegmentedIndexOptions options, generation::IndexOptionsOf(config, "", 8));
  EXPECT_EQ(options.spec.kind, index::IndexSpec::Kind::kFlat);
  EXPECT_EQ(options.dimension, 8);
  EXPECT_EQ(options.seal_rows, 100);
  EXPECT_EQ(options.memory_budget_bytes, 3 << 20);
  ASSERT_OK_AND_ASSIGN(options, generation::IndexOptionsOf(config, "HNSW16", 8));
  EXPECT_EQ(options.spec.kind, index::IndexSpec::Kind::kHnsw);
}

TEST(IndexOptionsOf, RefusesAFactoryThatIsNone) {
  ASSERT_OK_AND_ASSIGN(const v1::IndexConfig config, config::CompleteIndexConfig({}));
  EXPECT_THAT(generation::IndexOptionsOf(config, "LSH", 8), HasField("index_factory"));
  EXPECT_THAT(generation::IndexOptionsOf(config, "LSH", 8), HasReason("CONFIG_INVALID"));
  EXPECT_OK(generation::IndexOptionsOf(config, "IVF16,PQ4,RFlat", 8));
  EXPECT_THAT(generation::IndexOptionsOf(config, "IVF16,PQ3,RFlat", 8), HasField("index_factory"));
  EXPECT_THAT(generation::IndexOptionsOf(config, "IVF16,PQ3,RFlat", 8), HasReason("CONFIG_INVALID"));
}

}  // namespace
}  // namespace semblance::testing
