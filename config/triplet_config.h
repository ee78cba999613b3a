// The rules of a training configuration whose data.path is a manifest of triplets, so that the images have no labels.
//
// Thread-safe: functions without state, but for reading that file's header.
#ifndef SEMBLANCE_CONFIG_TRIPLET_CONFIG_H_
#define SEMBLANCE_CONFIG_TRIPLET_CONFIG_H_

#include "absl/status/status.h"
#include "semblance/v1/training_config.pb.h"

namespace semblance::config {

// Fills in the defaults that differ from those for labeled images. Changes nothing for other data.
void FillTripletDefaults(v1::TrainingConfig* config);

// Errors: InvalidArgument with reason CONFIG_INVALID and the field that needs classes. OK for other data. REQUIRES: `config` comes
// from WithDefaults.
absl::Status CheckTripletConfig(const v1::TrainingConfig& config);

}  // namespace semblance::config

#endif  // SEMBLANCE_CONFIG_TRIPLET_CONFIG_H_
