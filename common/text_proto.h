// Protobuf's text format, read from files that people write, and what it takes as text.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_COMMON_TEXT_PROTO_H_
#define SEMBLANCE_COMMON_TEXT_PROTO_H_

#include <google/protobuf/message.h>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace semblance {

// Parses `text` into `message`, replacing what it held. Errors: InvalidArgument/CONFIG_INVALID with "name:line:column: what" for
// the first thing that is wrong (an unknown field, say).
absl::Status ParseTextProto(absl::string_view text, absl::string_view name, google::protobuf::Message* message);

// Whether protobuf takes the bytes as a string: structurally valid UTF-8.
bool IsUtf8(absl::string_view bytes);

}  // namespace semblance

#endif  // SEMBLANCE_COMMON_TEXT_PROTO_H_
