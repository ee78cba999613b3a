// The configuration of a training run: semblance.v1.TrainingConfig, completed, checked, and translated into the terms of a bundle.
//
// Thread-safe: functions without state.
//
// Errors: InvalidArgument with reason CONFIG_INVALID and the path of the field, such as "optimizer.learning_rate". For text that
// does not parse, the message names the file, the line and the column.
#ifndef SEMBLANCE_CONFIG_TRAINING_CONFIG_H_
#define SEMBLANCE_CONFIG_TRAINING_CONFIG_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "semblance/storage/v1/bundle.pb.h"
#include "semblance/v1/training_config.pb.h"

namespace semblance::config {

// The config with a value in every field that has one when it is not set (training_config.proto). Reads the header of the file
// data.path, if it is a file, because some of these values are different for triplets.
v1::TrainingConfig WithDefaults(v1::TrainingConfig config);

// Checks that every field is known and in its range, and that the fields go together. REQUIRES: `config` comes from WithDefaults.
absl::Status ValidateTrainingConfig(const v1::TrainingConfig& config);

// Reads the file (text format), applies `overrides` ("path.to.field=value", in order; see config_override.h), completes the config
// and validates it.
absl::StatusOr<v1::TrainingConfig> LoadTrainingConfig(const std::string& file, const std::vector<std::string>& overrides);

// The network that the config asks for, as a bundle describes it. REQUIRES: a validated config.
storage::v1::Architecture ArchitectureOf(const v1::ModelConfig& config);

// Returns how the config prepares images, in the form of a bundle. If the config names no input_mean, the result has mean 0 and std
// 1: the trainer measures them on its data.
storage::v1::Preprocessing PreprocessingOf(const v1::ModelConfig& config);

// True for the backbones that are ResNets.
bool IsResnet(const v1::ModelConfig& model);

}  // namespace semblance::config

#endif  // SEMBLANCE_CONFIG_TRAINING_CONFIG_H_
