// Converts between the messages of TrainingService and the types of service/training. Thread-safe: functions without state.
//
// Errors: InvalidArgument with the field and the value. The reason is INVALID_ID for ids and CONFIG_INVALID for other fields.
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

// Refuses an on_success that this server does not know. The controller checks all other fields.
absl::StatusOr<TrainingSpec> FromProto(const v1::CreateTrainingJobRequest& request);

// Accepts "job-" and 6 digits. It does not check that the job exists.
absl::Status CheckTrainingJobId(absl::string_view field, absl::string_view id);

void ToProto(const TrainingInfo& info, v1::TrainingJob* proto);

// Appends the lines in a form that can be sent and shown. Bytes that are not UTF-8 and control characters become question
// marks. A line is cut after 8 KiB.
void ToProto(const LogLines& log, google::protobuf::RepeatedPtrField<std::string>* lines);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_RPC_TRAINING_CONVERT_H_
