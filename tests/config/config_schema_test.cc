// Checks the rules that the configurations of trainer, server and generations give their fields.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <functional>
#include <memory>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "common/error.h"
#include "common/file.h"
#include "config/field_rules.h"
#include "config/field_text.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "semblance/v1/field_rules.pb.h"
#include "semblance/v1/generation_config.pb.h"
#include "semblance/v1/server_config.pb.h"
#include "semblance/v1/training_config.pb.h"
#include "tests/testing/status_matchers.h"

namespace semblance::config {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;

struct RuledField {
  const Descriptor* root = nullptr;
  const FieldDescriptor* field = nullptr;
};

void Collect(const Descriptor* root, const Descriptor* type, std::vector<RuledField>* fields) {
  for (int i = 0; i < type->field_count(); ++i) {
    fields->push_back({root, type->field(i)});
    if (type->field(i)->message_type() != nullptr) {
      Collect(root, type->field(i)->message_type(), fields);
    }
  }
}

std::vector<RuledField> AllFields() {
  std::vector<RuledField> fields;
  for (const Descriptor* root :
       {v1::TrainingConfig::descriptor(), v1::ServerConfig::descriptor(), v1::GenerationGates::descriptor()}) {
    Collect(root, root, &fields);
  }
  return fields;
}

std::vector<std::string> DefaultsOf(const v1::FieldRules& rules) {
  std::vector<std::string> values;
  for (const v1::DefaultCase& one : rules.default_cases()) {
    values.push_back(one.value());
  }
  if (!rules.default_value().empty()) {
    values.push_back(rules.default_value());
  }
  return values;
}

TEST(ConfigSchemaTest, EveryDefaultParsesAndIsInItsRange) {
  int defaults = 0;
  for (const auto& [root, field] : AllFields()) {
    for (const std::string& value : DefaultsOf(field->options().GetExtension(v1::rules))) {
      ++defaults;
      const std::unique_ptr<Message> message(
          google::protobuf::MessageFactory::generated_factory()->GetPrototype(field->containing_type())->New());
      EXPECT_OK(SetFieldFromText(value, *field, message.get())) << field->full_name();
      EXPECT_NE(ErrorField(CheckFields(*message)), field->name()) << CheckFields(*message);
    }
  }
  EXPECT_GT(defaults, 60);
}

TEST(ConfigSchemaTest, EveryCaseNamesAField) {
  for (const auto& [root, field] : AllFields()) {
    for (const v1::DefaultCase& one : field->options().GetExtension(v1::rules).default_cases()) {
      const std::vector<std::string> parts = absl::StrSplit(one.when(), '=');
      const Descriptor* type = root;
      const FieldDescriptor* other = nullptr;
      for (const absl::string_view name : absl::StrSplit(parts[0], '.')) {
        ASSERT_NE(type, nullptr) << one.when();
        other = type->FindFieldByName(std::string(name));
        ASSERT_NE(other, nullptr) << one.when();
        type = other->message_type();
      }
      if (parts.size() > 1) {
        ASSERT_NE(other->enum_type(), nullptr) << one.when();
        EXPECT_NE(other->enum_type()->FindValueByName(parts[1]), nullptr) << one.when();
      }
    }
  }
}

TEST(ConfigSchemaTest, ADefaultIsFixedOrComputed) {
  for (const auto& [root, field] : AllFields()) {
    const v1::FieldRules& rules = field->options().GetExtension(v1::rules);
    EXPECT_TRUE(DefaultsOf(rules).empty() || rules.computed_default().empty()) << field->full_name();
    EXPECT_FALSE(rules.required() && !DefaultsOf(rules).empty()) << field->full_name();
  }
}

TEST(ConfigSchemaTest, EveryNumberHasARange) {
  // A seed may be any number; a mean of pixel values must only be finite.
  const std::set<std::string> without_range = {"seed", "input_mean"};
  for (const auto& [root, field] : AllFields()) {
    if (field->message_type() == nullptr && field->enum_type() == nullptr && field->type() != FieldDescriptor::TYPE_STRING &&
        field->type() != FieldDescriptor::TYPE_BOOL && without_range.count(field->name()) == 0) {
      const v1::FieldRules& rules = field->options().GetExtension(v1::rules);
      EXPECT_TRUE(rules.has_min() || rules.has_above() || rules.any_of_size() > 0) << field->full_name();
    }
  }
}

// A default is written once, in the rule of its field.
TEST(ConfigSchemaTest, NoCommentSpeaksOfDefaults) {
  for (const char* name : {"generation_config.proto", "loss_config.proto", "server_config.proto", "training_config.proto"}) {
    ASSERT_OK_AND_ASSIGN(const std::string text, ReadFile(std::string(SEMBLANCE_PROTO_DIR "/semblance/v1/") + name));
    const std::regex comment("\\s*//.*\\bdefaults?\\b.*", std::regex::icase);
    for (const std::string& line : std::vector<std::string>(absl::StrSplit(text, '\n'))) {
      EXPECT_FALSE(std::regex_match(line, comment)) << name << ": " << line;
    }
  }
}

}  // namespace
}  // namespace semblance::config
