// Identifies the run of a checkpoint, to distinguish it from runs with another configuration or other data.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_TRAINER_RUN_IDENTITY_H_
#define SEMBLANCE_TRAINER_RUN_IDENTITY_H_

#include <string>

#include "semblance/storage/v1/checkpoint.pb.h"
#include "semblance/v1/training_config.pb.h"

namespace semblance::trainer {

// Fills in config and data_digest of the manifest. Fields without influence on the weights are left out: the number of loader
// threads, when checkpoints are written, and the paths of the images and the bundle. REQUIRES: a config with its defaults.
void SetRun(const v1::TrainingConfig& config, const std::string& data_digest, storage::v1::CheckpointManifest* manifest);

// True if the checkpoint belongs to this run.
bool BelongsToRun(const storage::v1::CheckpointManifest& manifest, const v1::TrainingConfig& config,
                  const std::string& data_digest);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_RUN_IDENTITY_H_
