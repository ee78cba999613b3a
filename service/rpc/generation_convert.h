// Converts between the messages of GenerationService and the engine's types. Thread-safe: functions without state.
//
// Errors: InvalidArgument with the field, the value and the limit. The reason is INVALID_ID for ids and CONFIG_INVALID for
// other fields.
#ifndef SEMBLANCE_SERVICE_RPC_GENERATION_CONVERT_H_
#define SEMBLANCE_SERVICE_RPC_GENERATION_CONVERT_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "semblance/v1/generation_service.pb.h"
#include "service/generations/generation_controller.h"
#include "service/live/generation_info.h"

namespace semblance::service {

// Converts everything except the bundle. GenerationController::Create fills in defaults and checks ranges. Errors:
// InvalidArgument/CONFIG_INVALID for a policy that this server does not know.
absl::StatusOr<GenerationSpec> FromProto(const v1::CreateGenerationRequest& request);

// Reads only the shares of the message. Their ranges are checked by GenerationController::SetTraffic.
TrafficShares FromProto(const v1::GenerationTraffic& traffic);

// Accepts 1 to 128 bytes without control characters. It does not check that the generation exists.
absl::Status CheckGenerationId(absl::string_view field, absl::string_view id);

void ToProto(const GenerationInfo& info, v1::Generation* proto);
void ToProto(const GenerationEvaluation& evaluation, v1::GenerationEvaluation* proto);
void ToProto(const GenerationList& list, v1::ListGenerationsResponse* proto);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_RPC_GENERATION_CONVERT_H_
