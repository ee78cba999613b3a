#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <google/protobuf/unknown_field_set.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "training_config/config.h"

namespace semblance {

absl::Status CheckNoUnknownFields(const google::protobuf::Message& message) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  if (const auto& unknown = reflection.GetUnknownFields(message); !unknown.empty()) {
    return InvalidField("", kConfigInvalid,
                        absl::StrCat(message.GetDescriptor()->name(), " has a field with the number ", unknown.field(0).number(),
                                     ", which this program does not know"));
  }
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const google::protobuf::FieldDescriptor* field : fields) {
    if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE && !field->is_repeated()) {
      if (const absl::Status status = CheckNoUnknownFields(reflection.GetMessage(message, field)); !status.ok()) {
        return WithFieldPrefix(status, field->name());
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace semblance
