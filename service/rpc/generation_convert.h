// Between the messages of GenerationService and the engine's types. Thread-safe: functions without state.
//
// Errors: InvalidArgument with the field, the value and the limit; reason INVALID_ID for ids, else CONFIG_INVALID.
#ifndef SEMBLANCE_SERVICE_RPC_GENERATION_CONVERT_H_
#define SEMBLANCE_SERVICE_RPC_GENERATION_CONVERT_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "semblance/v1/generation_service.pb.h"
#include "service/generations/generation_controller.h"
#include "service/live/generation_info.h"

namespace semblance::service {

// All of it but the bundle. Defaults are filled in.
absl::StatusOr<GenerationSpec> FromProto(const v1::CreateGenerationRequest& request);

// The shares that are asked for; the rest of the message is not read.
absl::StatusOr<TrafficShares> FromProto(const v1::GenerationTraffic& traffic);

// 1 to 128 bytes without control characters. (Whether there is such a generation is not asked.)
absl::Status CheckGenerationId(absl::string_view field, absl::string_view id);

void ToProto(const GenerationInfo& info, v1::Generation* proto);
void ToProto(const GenerationEvaluation& evaluation, v1::GenerationEvaluation* proto);
void ToProto(const GenerationList& list, v1::ListGenerationsResponse* proto);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_RPC_GENERATION_CONVERT_H_
