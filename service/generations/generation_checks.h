// Checks requests about generations.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_SERVICE_GENERATIONS_GENERATION_CHECKS_H_
#define SEMBLANCE_SERVICE_GENERATIONS_GENERATION_CHECKS_H_

#include "absl/status/status.h"
#include "service/live/generation_info.h"

namespace semblance::service {

// Checks the gates and the length of the request_id. Errors: InvalidArgument/CONFIG_INVALID with the field, the value and its
// range.
absl::Status CheckSpec(const GenerationSpec& spec);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_GENERATIONS_GENERATION_CHECKS_H_
