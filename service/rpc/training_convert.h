// Between the messages of TrainingService and the engine's types. Thread-safe: functions without state.
//
// Errors: InvalidArgument with the field and the value; reason INVALID_ID for ids, else CONFIG_INVALID.
#ifndef SEMBLANCE_SERVICE_RPC_TRAINING_CONVERT_H_
#define SEMBLANCE_SERVICE_RPC_TRAINING_CONVERT_H_

#include <google/protobuf/repeated_field.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "semblance/v1/training_service.pb.h"
#include "service/training/training_info.h"

namespace semblance::service {

// Refuses an on_success that this server does not know. Everything else the controller checks.
absl::StatusOr<TrainingSpec> FromProto(const v1::CreateTrainingJobRequest& request);

// "job-" + 6 digits. (Whether there is such a job is not asked.)
absl::Status CheckTrainingJobId(absl::string_view field, absl::string_view id);

void ToProto(const TrainingInfo& info, v1::TrainingJob* proto);

// Appends the lines, fit to be sent and shown: bytes that are no UTF-8 and control characters become question marks, and what a
// line has beyond 8 KiB is cut off.
void ToProto(const LogLines& log, google::protobuf::RepeatedPtrField<std::string>* lines);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_RPC_TRAINING_CONVERT_H_
