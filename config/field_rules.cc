#include "config/field_rules.h"

#include <glog/logging.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "config/field_text.h"
#include "semblance/v1/field_rules.pb.h"

namespace semblance::config {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::Reflection;

const v1::FieldRules& RulesOf(const FieldDescriptor& field) {
  return field.options().GetExtension(v1::rules);
}

bool IsMessage(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
}

bool IsSet(const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  return field.is_repeated() ? reflection.FieldSize(message, &field) > 0 : reflection.HasField(message, &field);
}

std::string ValueText(const Message& message, const FieldDescriptor& field) {
  std::string text;
  google::protobuf::TextFormat::PrintFieldValueToString(message, &field, -1, &text);
  return text;
}

// "path.to.field" or "path.to.field=VALUE".
bool Applies(const std::string& condition, const Message& config) {
  const std::pair<std::string, std::string> parts = absl::StrSplit(condition, absl::MaxSplits('=', 1));
  const std::vector<std::string> names = absl::StrSplit(parts.first, '.');
  const Message* message = &config;
  for (size_t i = 0;; ++i) {
    const FieldDescriptor* const field = message->GetDescriptor()->FindFieldByName(names[i]);
    CHECK(field != nullptr) << condition << " names no field";
    if (i + 1 == names.size()) {
      return IsSet(*message, *field) && (parts.second.empty() || ValueText(*message, *field) == parts.second);
    }
    message = &message->GetReflection()->GetMessage(*message, field);
  }
}

// Makes two passes over the configuration: cases look at other fields, which the first pass has set.
class Completer {
 public:
  explicit Completer(Message* config) : config_(*config) {}

  void Run() {
    for (const bool with_cases : {false, true}) {
      with_cases_ = with_cases;
      Fill(&config_);
    }
  }

 private:
  void Fill(Message* message) {
    const Descriptor& type = *message->GetDescriptor();
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor& field = *type.field(i);
      if (!IsSet(*message, field)) {
        FillField(field, message);
      }
      if (IsMessage(field) && !field.is_repeated()) {
        FillInside(field, message);
      }
    }
  }

  void FillField(const FieldDescriptor& field, Message* message) const {
    const std::string value = DefaultOf(RulesOf(field));
    const bool is_other_chosen =
        field.real_containing_oneof() != nullptr && message->GetReflection()->HasOneof(*message, field.real_containing_oneof());
    if (!value.empty() && !is_other_chosen) {
      const absl::Status status = SetFieldFromText(value, field, message);
      CHECK(status.ok()) << field.full_name() << ": " << status;
    }
  }

  // Returns an empty text when there is no default, or none in this pass.
  std::string DefaultOf(const v1::FieldRules& rules) const {
    if (with_cases_ == rules.default_cases().empty()) {
      return "";
    }
    const auto chosen = std::find_if(rules.default_cases().begin(), rules.default_cases().end(),
                                     [this](const v1::DefaultCase& one) { return Applies(one.when(), config_); });
    return chosen == rules.default_cases().end() ? rules.default_value() : chosen->value();
  }

  // A message that was not set stays so if nothing in it has a default.
  void FillInside(const FieldDescriptor& field, Message* message) {
    const Reflection& reflection = *message->GetReflection();
    const bool was_set = reflection.HasField(*message, &field);
    if (!was_set && (field.has_optional_keyword() || field.real_containing_oneof() != nullptr)) {
      return;
    }
    Message* const inside = reflection.MutableMessage(message, &field);
    Fill(inside);
    if (!was_set && inside->ByteSizeLong() == 0) {
      reflection.ClearField(message, &field);
    }
  }

  Message& config_;
  bool with_cases_ = false;
};

// Writes a whole number without an exponent, as numbers are written in a configuration.
std::string NumberText(double number) {
  constexpr double kExact = 1e15;
  const bool is_whole = std::abs(number) <= kExact && number == std::trunc(number);
  return is_whole ? absl::StrCat(static_cast<int64_t>(number)) : absl::StrCat(number);
}

std::string BoundsText(const v1::FieldRules& rules) {
  if (rules.any_of_size() > 0) {
    return absl::StrJoin(rules.any_of(), " or ", [](std::string* out, double number) { *out += NumberText(number); });
  }
  if (rules.has_min() && rules.has_max()) {
    return absl::StrCat(NumberText(rules.min()), " to ", NumberText(rules.max()));
  }
  std::vector<std::string> bounds;
  const auto add = [&bounds](bool is_given, absl::string_view words, double number) {
    if (is_given) {
      bounds.push_back(absl::StrCat(words, " ", NumberText(number)));
    }
  };
  add(rules.has_min(), "at least", rules.min());
  add(rules.has_above(), "above", rules.above());
  add(rules.has_max(), "at most", rules.max());
  add(rules.has_below(), "below", rules.below());
  return bounds.empty() ? "a finite number" : absl::StrCat("a number ", absl::StrJoin(bounds, " and "));
}

bool IsAllowed(double number, const v1::FieldRules& rules) {
  const auto& any_of = rules.any_of();
  return std::isfinite(number) && (!rules.has_min() || number >= rules.min()) && (!rules.has_max() || number <= rules.max()) &&
         (!rules.has_above() || number > rules.above()) && (!rules.has_below() || number < rules.below()) &&
         (any_of.empty() || std::find(any_of.begin(), any_of.end(), number) != any_of.end());
}

template <typename Number>
absl::Status CheckNumber(Number number, const v1::FieldRules& rules) {
  if (IsAllowed(static_cast<double>(number), rules)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("is ", number, "; expected ", BoundsText(rules), rules.unit().empty() ? "" : " ", rules.unit()));
}

absl::Status CheckEnum(int number, const FieldDescriptor& field) {
  if (field.enum_type()->FindValueByNumber(number) != nullptr) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat("is ", number, ", which is not known"));
}

// The value of a field that is not repeated.
absl::Status CheckValue(const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  const v1::FieldRules& rules = RulesOf(field);
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return CheckNumber(reflection.GetInt32(message, &field), rules);
    case FieldDescriptor::CPPTYPE_INT64:
      return CheckNumber(reflection.GetInt64(message, &field), rules);
    case FieldDescriptor::CPPTYPE_UINT32:
      return CheckNumber(reflection.GetUInt32(message, &field), rules);
    case FieldDescriptor::CPPTYPE_UINT64:
      return CheckNumber(reflection.GetUInt64(message, &field), rules);
    case FieldDescriptor::CPPTYPE_FLOAT:
      return CheckNumber(reflection.GetFloat(message, &field), rules);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return CheckNumber(reflection.GetDouble(message, &field), rules);
    case FieldDescriptor::CPPTYPE_ENUM:
      return CheckEnum(reflection.GetEnumValue(message, &field), field);
    default:
      return absl::OkStatus();
  }
}

// One element of a repeated field. Repeated fields of a configuration are numbers; other types are not looked at.
absl::Status CheckElement(const Message& message, const FieldDescriptor& field, int index) {
  const Reflection& reflection = *message.GetReflection();
  const v1::FieldRules& rules = RulesOf(field);
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return CheckNumber(reflection.GetRepeatedInt32(message, &field, index), rules);
    case FieldDescriptor::CPPTYPE_FLOAT:
      return CheckNumber(reflection.GetRepeatedFloat(message, &field, index), rules);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return CheckNumber(reflection.GetRepeatedDouble(message, &field, index), rules);
    default:
      return absl::OkStatus();
  }
}

absl::Status CheckField(const Message& message, const FieldDescriptor& field) {
  if (!IsSet(message, field)) {
    return RulesOf(field).required() ? absl::InvalidArgumentError("is required and not set") : absl::OkStatus();
  }
  if (!field.is_repeated()) {
    return CheckValue(message, field);
  }
  for (int i = 0; i < message.GetReflection()->FieldSize(message, &field); ++i) {
    SEMBLANCE_RETURN_IF_ERROR(CheckElement(message, field, i));
  }
  return absl::OkStatus();
}

}  // namespace

void FillDefaults(Message* config) {
  Completer(config).Run();
}

absl::Status CheckFields(const Message& config, const std::string& prefix) {
  const Descriptor& type = *config.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    const std::string path = prefix.empty() ? field.name() : absl::StrCat(prefix, ".", field.name());
    if (const absl::Status status = CheckField(config, field); !status.ok()) {
      return InvalidField(path, v1::ERROR_REASON_CONFIG_INVALID, absl::StrCat(path, " ", status.message()));
    }
    if (IsMessage(field) && !field.is_repeated() && IsSet(config, field)) {
      SEMBLANCE_RETURN_IF_ERROR(CheckFields(config.GetReflection()->GetMessage(config, &field), path));
    }
  }
  return absl::OkStatus();
}

}  // namespace semblance::config
