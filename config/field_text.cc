#include "config/field_text.h"

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/status_macros.h"

namespace semblance::config {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::TextFormat;

// Keeps the first complaint of protobuf's text parser.
class FirstError final : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int /*line*/, google::protobuf::io::ColumnNumber /*column*/, const std::string& message) override {
    if (message_.empty()) {
      message_ = message;
    }
  }

  const std::string& message() const { return message_; }

 private:
  std::string message_;
};

// Adds to a repeated field.
absl::Status ParseValue(absl::string_view text, const FieldDescriptor& field, Message* message) {
  const bool is_string = field.cpp_type() == FieldDescriptor::CPPTYPE_STRING;
  const std::string value = is_string ? absl::StrCat("\"", absl::CEscape(text), "\"") : std::string(text);
  FirstError error;
  TextFormat::Parser parser;
  parser.RecordErrorsTo(&error);
  return parser.ParseFieldValueFromString(value, &field, message)
             ? absl::OkStatus()
             : absl::InvalidArgumentError(absl::StrCat("cannot take \"", text, "\": ", error.message()));
}

}  // namespace

absl::Status SetFieldFromText(absl::string_view text, const FieldDescriptor& field, Message* message) {
  message->GetReflection()->ClearField(message, &field);
  if (!field.is_repeated()) {
    return ParseValue(text, field, message);
  }
  for (const absl::string_view element : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    SEMBLANCE_RETURN_IF_ERROR(ParseValue(absl::StripLeadingAsciiWhitespace(element), field, message));
  }
  return absl::OkStatus();
}

}  // namespace semblance::config
