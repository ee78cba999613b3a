// Checks a client's request for a training job, before anything is stored or launched.
//
// Thread-safe: a function without state. It looks at the file system as it is at the moment.
#ifndef SEMBLANCE_SERVICE_TRAINING_TRAINING_REQUEST_H_
#define SEMBLANCE_SERVICE_TRAINING_TRAINING_REQUEST_H_

#include <string>

#include "absl/status/statusor.h"
#include "semblance/v1/training_config.pb.h"
#include "service/models/rooted_path.h"
#include "service/training/training_info.h"

namespace semblance::service {

// Returns the config for the trainer, with defaults and absolute paths. It has no output_dir; TrainingStore sets that. Errors:
// InvalidArgument with the field and the reason CONFIG_INVALID (also for fields that only the server may set, and for paths with
// characters that mean something to a shell) or PATH_OUTSIDE_ROOT; NotFound/DATA_NOT_FOUND.
absl::StatusOr<v1::TrainingConfig> CheckedTrainingConfig(const TrainingSpec& spec, const PathRoot& data_root,
                                                         const std::string& catalog_path);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_TRAINING_TRAINING_REQUEST_H_
