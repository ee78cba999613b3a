// The trainer's configuration: semblance.v1.TrainingConfig in text format, defaults and ranges.
//
// Thread-safe: functions without state.
//
// Errors: InvalidArgument with reason CONFIG_INVALID and the field's path (such as "optimizer.learning_rate"); for text that does
// not parse, the file, line and column.
#ifndef SEMBLANCE_CONFIG_TRAINING_CONFIG_H_
#define SEMBLANCE_CONFIG_TRAINING_CONFIG_H_

#include <google/protobuf/message.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "semblance/storage/v1/bundle.pb.h"
#include "semblance/v1/training_config.pb.h"

namespace semblance::config {

// The config with every field set that was not; the values are those that training_config.proto names. Reads the header of the file
// data.path, if it is one: some defaults are others for triplets.
v1::TrainingConfig WithDefaults(v1::TrainingConfig config);

// Checks every range, and that there are no unknown fields. REQUIRES: `config` comes from WithDefaults.
absl::Status ValidateTrainingConfig(const v1::TrainingConfig& config);

// Reads the file (text format), applies `overrides` ("path.to.field=value", in order; see config_override.h), fills in defaults and
// validates.
absl::StatusOr<v1::TrainingConfig> LoadTrainingConfig(const std::string& file, const std::vector<std::string>& overrides);

// What the config asks for in terms of the bundle. REQUIRES: a validated config.
storage::v1::Architecture ArchitectureOf(const v1::ModelConfig& config);

// Where the config names no input_mean, with mean 0 and std 1: the trainer measures them on its data.
storage::v1::Preprocessing PreprocessingOf(const v1::ModelConfig& config);

// Whether the backbone is a ResNet.
bool IsResnet(const v1::ModelConfig& model);

// Whether the loss compares with proxies, or with other examples alone.
bool UsesProxies(const v1::LossConfig& loss);

// InvalidArgument with reason CONFIG_INVALID and the path of the message that has a field which this program does not know, such as
// one of a newer client; OK where there is none.
absl::Status CheckNoUnknownFields(const google::protobuf::Message& message);

}  // namespace semblance::config

#endif  // SEMBLANCE_CONFIG_TRAINING_CONFIG_H_
