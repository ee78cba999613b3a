// Reads protobuf's text format from files that people write, and checks that bytes are text.
//
// Thread-safe, because the functions have no state.
#ifndef SEMBLANCE_COMMON_TEXT_PROTO_H_
#define SEMBLANCE_COMMON_TEXT_PROTO_H_

#include <google/protobuf/message.h>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace semblance {

// Parses `text` into `message` and replaces its content. Errors: InvalidArgument/CONFIG_INVALID with "name:line:column: message"
// for the first mistake, such as an unknown field.
absl::Status ParseTextProto(absl::string_view text, absl::string_view name, google::protobuf::Message* message);

// Returns true if protobuf accepts the bytes as a string, that is, if they are valid UTF-8.
bool IsUtf8(absl::string_view bytes);

}  // namespace semblance

#endif  // SEMBLANCE_COMMON_TEXT_PROTO_H_
