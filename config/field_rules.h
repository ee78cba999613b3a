// Completes and checks any configuration message by the rules of its fields: the option (rules) of field_rules.proto.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_CONFIG_FIELD_RULES_H_
#define SEMBLANCE_CONFIG_FIELD_RULES_H_

#include <google/protobuf/message.h>

#include <string>

#include "absl/status/status.h"

namespace semblance::config {

// Sets each field that is not set and has a default_value, or a case of default_cases that applies. Fields with a computed_default
// are the caller's. REQUIRES: the rules are well formed, as a test checks of all configurations.
void FillDefaults(google::protobuf::Message* config);

// Errors: InvalidArgument with reason CONFIG_INVALID and the path of the first field that is required and not set, is out of range,
// or has an unknown enum value; the message names the field, its value and the range. `prefix` is put before every path: for
// "index" the paths are such as "index.seal_rows".
absl::Status CheckFields(const google::protobuf::Message& config, const std::string& prefix = "");

}  // namespace semblance::config

#endif  // SEMBLANCE_CONFIG_FIELD_RULES_H_
