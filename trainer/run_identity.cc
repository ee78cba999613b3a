#include "trainer/run_identity.h"

#include <google/protobuf/text_format.h>

namespace semblance::trainer {

void SetRun(const v1::TrainingConfig& config, const std::string& data_digest, storage::v1::CheckpointManifest* manifest) {
  v1::TrainingConfig identity = config;
  identity.clear_loader_threads();
  identity.clear_checkpoint();
  // Paths may change between the attempts of a run. data_digest identifies the images.
  identity.clear_output_dir();
  identity.mutable_data()->clear_path();
  identity.mutable_data()->clear_catalog_path();
  google::protobuf::TextFormat::PrintToString(identity, manifest->mutable_config());
  manifest->set_data_digest(data_digest);
}

bool BelongsToRun(const storage::v1::CheckpointManifest& manifest, const v1::TrainingConfig& config,
                  const std::string& data_digest) {
  storage::v1::CheckpointManifest expected;
  SetRun(config, data_digest, &expected);
  return manifest.config() == expected.config() && manifest.data_digest() == expected.data_digest();
}

}  // namespace semblance::trainer
