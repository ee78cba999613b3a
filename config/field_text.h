// Sets fields of any message from text.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_CONFIG_FIELD_TEXT_H_
#define SEMBLANCE_CONFIG_FIELD_TEXT_H_

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace semblance::config {

// Sets the field of `message` to `text`: strings as they are, numbers, true and false, enum values by name or number, messages in
// text format ("{}" for an empty one). A repeated field is replaced by the values between the commas. Errors: InvalidArgument,
// which says what was wrong with the value, without a reason or a field. REQUIRES: `field` belongs to `message`.
absl::Status SetFieldFromText(absl::string_view text, const google::protobuf::FieldDescriptor& field,
                              google::protobuf::Message* message);

}  // namespace semblance::config

#endif  // SEMBLANCE_CONFIG_FIELD_TEXT_H_
