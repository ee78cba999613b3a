// Finds fields of a training configuration that are each in range and do not go together.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_CONFIG_TRAINING_CONFLICTS_H_
#define SEMBLANCE_CONFIG_TRAINING_CONFLICTS_H_

#include "absl/status/status.h"
#include "semblance/v1/training_config.pb.h"

namespace semblance::config {

// Errors: InvalidArgument with reason CONFIG_INVALID and a field that contradicts another one, lacks another one, or would have no
// effect. REQUIRES: `config` comes from WithDefaults, and its fields are in range.
absl::Status CheckConflicts(const v1::TrainingConfig& config);

}  // namespace semblance::config

#endif  // SEMBLANCE_CONFIG_TRAINING_CONFLICTS_H_
