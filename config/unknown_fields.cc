#include "config/unknown_fields.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <google/protobuf/unknown_field_set.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"

namespace semblance::config {

absl::Status CheckNoUnknownFields(const google::protobuf::Message& message) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  if (const auto& unknown = reflection.GetUnknownFields(message); !unknown.empty()) {
    return InvalidField("", v1::ERROR_REASON_CONFIG_INVALID,
                        absl::StrCat(message.GetDescriptor()->name(), " has a field with the number ", unknown.field(0).number(),
                                     ", which this program does not know"));
  }
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const google::protobuf::FieldDescriptor* field : fields) {
    if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) {
      continue;
    }
    if (!field->is_repeated()) {
      SEMBLANCE_RETURN_IF_ERROR(WithFieldPrefix(CheckNoUnknownFields(reflection.GetMessage(message, field)), field->name()));
    }
    for (int i = 0; field->is_repeated() && i < reflection.FieldSize(message, field); ++i) {
      SEMBLANCE_RETURN_IF_ERROR(WithFieldPrefix(CheckNoUnknownFields(reflection.GetRepeatedMessage(message, field, i)),
                                                absl::StrCat(field->name(), "[", i, "]")));
    }
  }
  return absl::OkStatus();
}

}  // namespace semblance::config
