#include "trainer/run_identity.h"

#include "gtest/gtest.h"

namespace semblance::trainer {
namespace {

TEST(RunIdentityTest, TellsRunsApartByWhatChangesTheWeights) {
  v1::TrainingConfig config;
  config.set_seed(1);
  config.set_loader_threads(1);
  storage::v1::CheckpointManifest manifest;
  SetRun(config, "sha256:a", &manifest);

  EXPECT_TRUE(BelongsToRun(manifest, config, "sha256:a"));
  EXPECT_FALSE(BelongsToRun(manifest, config, "sha256:b"));
  config.set_loader_threads(2);
  config.mutable_checkpoint()->set_every_steps(7);
  config.set_output_dir("/moved/bundle");
  config.mutable_data()->set_catalog_path("/moved/catalogue.db");
  EXPECT_TRUE(BelongsToRun(manifest, config, "sha256:a"));
  config.set_seed(2);
  EXPECT_FALSE(BelongsToRun(manifest, config, "sha256:a"));
}

}  // namespace
}  // namespace semblance::trainer
