// Fields of a training config that are each in range and do not go together.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_CONFIG_TRAINING_CONFLICTS_H_
#define SEMBLANCE_CONFIG_TRAINING_CONFLICTS_H_

#include "absl/status/status.h"
#include "semblance/v1/training_config.pb.h"

namespace semblance::config {

// What does not go with model.cache_features, and fields of proxies with a loss that has none. Errors: InvalidArgument with reason
// CONFIG_INVALID and the field that would have no effect. REQUIRES: `config` comes from WithDefaults.
absl::Status CheckConflicts(const v1::TrainingConfig& config);

}  // namespace semblance::config

#endif  // SEMBLANCE_CONFIG_TRAINING_CONFLICTS_H_
