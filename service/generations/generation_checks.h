// Completes and checks requests about generations. The rules of generation_config.proto give defaults and ranges.
//
// Thread-safe: functions without state.
//
// Errors: InvalidArgument/CONFIG_INVALID with the field, the value and its range.
#ifndef SEMBLANCE_SERVICE_GENERATIONS_GENERATION_CHECKS_H_
#define SEMBLANCE_SERVICE_GENERATIONS_GENERATION_CHECKS_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "service/live/generation_info.h"

namespace semblance::service {

// Returns the spec with the defaults of its gates, and checks the gates and the length of the request_id.
absl::StatusOr<GenerationSpec> CompleteSpec(GenerationSpec spec);

// Checks both shares. The fields are "traffic.canary_share" and "traffic.shadow_share".
absl::Status CheckShares(const TrafficShares& shares);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_GENERATIONS_GENERATION_CHECKS_H_
