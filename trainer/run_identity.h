// Which run a checkpoint is of: how a run is told from one with another configuration or other data.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_TRAINER_RUN_IDENTITY_H_
#define SEMBLANCE_TRAINER_RUN_IDENTITY_H_

#include <string>

#include "semblance/storage/v1/checkpoint.pb.h"
#include "semblance/v1/training_config.pb.h"

namespace semblance::trainer {

// Fills in config and data_digest of the manifest. What makes no difference to the weights is left out: how many threads load
// images, when checkpoints are written, and where images and bundle lie. REQUIRES: a config with its defaults.
void SetRun(const v1::TrainingConfig& config, const std::string& data_digest, storage::v1::CheckpointManifest* manifest);

// Whether the checkpoint is one of this run.
bool IsOfRun(const storage::v1::CheckpointManifest& manifest, const v1::TrainingConfig& config, const std::string& data_digest);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_RUN_IDENTITY_H_
