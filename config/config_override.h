// Changes single fields of a configuration message by name, as --set does.
//
// Thread-safe: a function without state.
#ifndef SEMBLANCE_CONFIG_CONFIG_OVERRIDE_H_
#define SEMBLANCE_CONFIG_CONFIG_OVERRIDE_H_

#include <google/protobuf/message.h>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace semblance::config {

// Applies "path.to.field=value": strings as they are, numbers, true and false, enum values by name; a repeated field is replaced by
// values separated by commas. Errors: InvalidArgument with reason CONFIG_INVALID and the path: no such field (and which there are),
// a path that ends at a message, or a value that does not parse.
absl::Status ApplyOverride(absl::string_view assignment, google::protobuf::Message* config);

}  // namespace semblance::config

#endif  // SEMBLANCE_CONFIG_CONFIG_OVERRIDE_H_
