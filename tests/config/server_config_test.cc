#include "config/server_config.h"

#include <filesystem>

#include "common/error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace semblance::config {
namespace {

using testing::HasField;
using testing::HasReason;
using testing::StatusMessage;

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

TEST(ServerConfigTest, AClusterIsCompletedOnlyWhereItIsSet) {
  ASSERT_OK_AND_ASSIGN(v1::ServerConfig config, CompleteServerConfig({}));
  EXPECT_FALSE(config.training_jobs().has_kubernetes());
  config.mutable_training_jobs()->mutable_kubernetes()->set_image("trainer:1");
  EXPECT_THAT(CompleteServerConfig(config), HasField("training_jobs.kubernetes.volume_claim"));
  config.mutable_training_jobs()->mutable_kubernetes()->set_volume_claim("data");
  ASSERT_OK_AND_ASSIGN(config, CompleteServerConfig(config));
  const v1::KubernetesConfig& cluster = config.training_jobs().kubernetes();
  EXPECT_EQ(cluster.mount_path(), "/var/lib/semblance");
  EXPECT_EQ(cluster.service_account(), "default");
  EXPECT_EQ(cluster.api_server(), "https://kubernetes.default.svc");
  EXPECT_EQ(cluster.token_path(), "/var/run/secrets/kubernetes.io/serviceaccount/token");
  EXPECT_EQ(cluster.ca_path(), "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt");
  EXPECT_EQ(cluster.ttl_seconds(), 86'400);
  EXPECT_EQ(cluster.namespace_(), "") << "only a pod in the cluster knows it";
}

TEST(ServerConfigTest, NamesTheValueAndTheRange) {
  v1::ServerConfig config;
  config.mutable_limits()->set_max_image_bytes(-1);
  EXPECT_THAT(CompleteServerConfig(config), HasReason(v1::ERROR_REASON_CONFIG_INVALID));
  EXPECT_THAT(CompleteServerConfig(config), StatusMessage("limits.max_image_bytes is -1; expected 1 to 134217728 bytes"));
}

TEST(ServerConfigTest, LeavesToOthersWhatDependsOnTheDevice) {
  ASSERT_OK_AND_ASSIGN(const v1::ServerConfig config, CompleteServerConfig({}));
  EXPECT_EQ(config.batching().max_batch_size(), 0);
  EXPECT_FALSE(config.batching().has_max_queue_delay_us());
  EXPECT_EQ(config.index().memory_budget_mib(), 0);
}

TEST(CompleteIndexConfig, FillsInWhatIsNotSet) {
  ASSERT_OK_AND_ASSIGN(const v1::IndexConfig config, CompleteIndexConfig({}));
  EXPECT_EQ(config.factory(), "auto");
  EXPECT_EQ(config.seal_rows(), 8192);
  EXPECT_EQ(config.hnsw_ef_construction(), 200);
  EXPECT_EQ(config.target_recall(), 0.99);
}

TEST(CompleteIndexConfig, NamesTheFieldThatMakesNoSense) {
  const auto field_of = [](auto set) {
    v1::IndexConfig config;
    set(config);
    const auto completed = CompleteIndexConfig(config);
    EXPECT_THAT(completed, HasReason("CONFIG_INVALID"));
    return ErrorField(completed.status());
  };
  EXPECT_EQ(field_of([](v1::IndexConfig& config) { config.set_factory("IVF"); }), "index.factory");
  EXPECT_EQ(field_of([](v1::IndexConfig& config) { config.set_seal_rows(-1); }), "index.seal_rows");
  EXPECT_EQ(field_of([](v1::IndexConfig& config) { config.set_hnsw_ef_construction(4097); }), "index.hnsw_ef_construction");
  EXPECT_EQ(field_of([](v1::IndexConfig& config) { config.set_target_recall(0.4); }), "index.target_recall");
  EXPECT_EQ(field_of([](v1::IndexConfig& config) { config.set_memory_budget_mib(-1); }), "index.memory_budget_mib");
}

}  // namespace
}  // namespace semblance::config
