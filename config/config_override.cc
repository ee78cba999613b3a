#include "config/config_override.h"

#include <google/protobuf/descriptor.h>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "config/field_text.h"

namespace semblance::config {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;

absl::Status Invalid(absl::string_view path, absl::string_view message) {
  return InvalidField(path, v1::ERROR_REASON_CONFIG_INVALID, absl::StrCat(path, ": ", message));
}

std::string FieldNames(const Descriptor& type) {
  std::vector<std::string> names;
  names.reserve(static_cast<size_t>(type.field_count()));
  for (int i = 0; i < type.field_count(); ++i) {
    names.push_back(type.field(i)->name());
  }
  return absl::StrJoin(names, ", ");
}

absl::StatusOr<const FieldDescriptor*> FindField(const Descriptor& type, absl::string_view name, absl::string_view path) {
  const FieldDescriptor* field = type.FindFieldByName(std::string(name));
  if (field == nullptr) {
    return Invalid(path, absl::StrCat("there is no field \"", name, "\"; there are ", FieldNames(type)));
  }
  return field;
}

// The message that `names` leads to from `config`, step by step.
absl::StatusOr<Message*> Descend(const std::vector<absl::string_view>& names, absl::string_view path, Message* config) {
  Message* message = config;
  for (const absl::string_view name : names) {
    SEMBLANCE_ASSIGN_OR_RETURN(const FieldDescriptor* field, FindField(*message->GetDescriptor(), name, path));
    if (field->message_type() == nullptr || field->is_repeated()) {
      return Invalid(path, absl::StrCat("\"", name, "\" is a value and has no fields"));
    }
    message = message->GetReflection()->MutableMessage(message, field);
  }
  return message;
}

}  // namespace

absl::Status ApplyOverride(absl::string_view assignment, Message* config) {
  const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(assignment, absl::MaxSplits('=', 1));
  const auto& [path, value] = parts;
  if (!absl::StrContains(assignment, '=')) {
    return Invalid(path, "expected path.to.field=value");
  }
  std::vector<absl::string_view> names = absl::StrSplit(path, '.');
  const absl::string_view last = names.back();
  names.pop_back();
  SEMBLANCE_ASSIGN_OR_RETURN(Message * message, Descend(names, path, config));
  SEMBLANCE_ASSIGN_OR_RETURN(const FieldDescriptor* field, FindField(*message->GetDescriptor(), last, path));
  if (field->message_type() != nullptr) {
    return Invalid(path, absl::StrCat("name one of its fields: ", FieldNames(*field->message_type())));
  }
  const absl::Status status = SetFieldFromText(value, *field, message);
  return status.ok() ? status : Invalid(path, status.message());
}

}  // namespace semblance::config
