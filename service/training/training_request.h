// What a client asks to be trained, checked before anything is stored or launched.
//
// Thread-safe: a function without state, of the file system as it is at the moment.
#ifndef SEMBLANCE_SERVICE_TRAINING_TRAINING_REQUEST_H_
#define SEMBLANCE_SERVICE_TRAINING_TRAINING_REQUEST_H_

#include <string>

#include "absl/status/statusor.h"
#include "semblance/v1/training_config.pb.h"
#include "service/models/rooted_path.h"
#include "service/training/training_info.h"

namespace semblance::service {

// The config that the trainer is to get, with defaults, absolute paths and without output_dir, which TrainingStore fills in.
// Errors: InvalidArgument with the field: CONFIG_INVALID, also for fields that the server sets itself and for paths with characters
// that mean something to a shell; PATH_OUTSIDE_ROOT. NotFound/DATA_NOT_FOUND.
absl::StatusOr<v1::TrainingConfig> CheckedTrainingConfig(const TrainingSpec& spec, const PathRoot& data_root,
                                                         const std::string& catalog_path);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_TRAINING_TRAINING_REQUEST_H_
