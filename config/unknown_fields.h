// Finds fields of a message that this program does not know, such as those that a newer client has sent.
//
// Thread-safe: a function without state.
#ifndef SEMBLANCE_CONFIG_UNKNOWN_FIELDS_H_
#define SEMBLANCE_CONFIG_UNKNOWN_FIELDS_H_

#include <google/protobuf/message.h>

#include "absl/status/status.h"

namespace semblance::config {

// Looks into messages inside the message too. Errors: InvalidArgument with reason CONFIG_INVALID, the path of the message that has
// an unknown field, and the number of the field.
absl::Status CheckNoUnknownFields(const google::protobuf::Message& message);

}  // namespace semblance::config

#endif  // SEMBLANCE_CONFIG_UNKNOWN_FIELDS_H_
