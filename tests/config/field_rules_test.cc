#include "config/field_rules.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/text_format.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "semblance/v1/field_rules.pb.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::config {
namespace {

using ::google::protobuf::Message;
using ::google::protobuf::TextFormat;
using testing::HasField;
using testing::HasReason;
using ::testing::HasSubstr;
using testing::StatusMessage;
using testing::TempDir;

constexpr char kSample[] = R"(
syntax = "proto3";
import "semblance/v1/field_rules.proto";
message Sample {
  enum Kind { KIND_UNSPECIFIED = 0; KIND_SLOW = 1; KIND_FAST = 2; }
  int32 depth = 1 [(semblance.v1.rules) = {
    default_value: "7" default_cases: {when: "kind=KIND_FAST" value: "2"} default_cases: {when: "inner.title" value: "3"}}];
  Kind kind = 2 [(semblance.v1.rules) = {default_value: "KIND_SLOW"}];
  int64 size = 3 [(semblance.v1.rules) = {default_value: "5" min: 1 max: 40000000 unit: "items"}];
  optional int32 wait = 4 [(semblance.v1.rules) = {default_value: "3" min: 0}];
  double rate = 5 [(semblance.v1.rules) = {default_value: "0.5" above: 0 below: 1}];
  string name = 6 [(semblance.v1.rules) = {default_value: "auto"}];
  repeated int32 list = 7 [(semblance.v1.rules) = {default_value: "1, 2" min: 1}];
  Inner inner = 8;
  optional Inner kept_unset = 9;
  Plain plain = 10;
  oneof choice { Inner first = 11; Inner second = 12 [(semblance.v1.rules) = {default_value: "{}"}]; }
  int32 sides = 13 [(semblance.v1.rules) = {any_of: [1, 3]}];
  double free = 14;
  float factor = 15 [(semblance.v1.rules) = {above: 0 max: 2}];
  uint64 seed = 16;
  repeated float scales = 17 [(semblance.v1.rules) = {above: 0}];
}
message Inner { bool flag = 1 [(semblance.v1.rules) = {default_value: "true"}]; string title = 2; }
message Plain { int32 number = 1; Needy needy = 2; }
message Needy { string text = 1 [(semblance.v1.rules) = {required: true}]; }
)";

class FieldRulesTest : public ::testing::Test {
 protected:
  FieldRulesTest() : pool_(google::protobuf::DescriptorPool::generated_pool()), factory_(&pool_) {
    const TempDir dir;
    EXPECT_OK(WriteFileAtomically(dir.Join("sample.proto"), kSample));
    const std::string command =
        absl::StrCat("'" SEMBLANCE_PROTOC "' -I '", dir.path(), "' -I '" SEMBLANCE_PROTO_DIR "' --descriptor_set_out='",
                     dir.Join("set"), "' sample.proto");
    EXPECT_EQ(std::system(command.c_str()), 0) << command;  // NOLINT(concurrency-mt-unsafe): one thread.
    google::protobuf::FileDescriptorSet files;
    EXPECT_TRUE(files.ParseFromString(ReadFile(dir.Join("set")).value_or("")));
    EXPECT_NE(pool_.BuildFile(files.file(0)), nullptr);
  }

  std::unique_ptr<Message> Parse(const std::string& text) {
    std::unique_ptr<Message> message(factory_.GetPrototype(pool_.FindMessageTypeByName("Sample"))->New());
    EXPECT_TRUE(TextFormat::ParseFromString(text, message.get())) << text;
    return message;
  }

  // Returns the message after FillDefaults, in one line.
  std::string Filled(const std::string& text) {
    const std::unique_ptr<Message> message = Parse(text);
    FillDefaults(message.get());
    return message->ShortDebugString();
  }

  absl::Status Check(const std::string& text) { return CheckFields(*Parse(text)); }

 private:
  google::protobuf::DescriptorPool pool_;
  google::protobuf::DynamicMessageFactory factory_;
};

TEST_F(FieldRulesTest, FillsInWhatIsNotSet) {
  EXPECT_EQ(Filled(""),
            "depth: 7 kind: KIND_SLOW size: 5 wait: 3 rate: 0.5 name: \"auto\" list: 1 list: 2 inner { flag: true } second { flag: "
            "true }");
}

TEST_F(FieldRulesTest, KeepsWhatIsSet) {
  const std::string all =
      "depth: 1 kind: KIND_FAST size: 2 wait: 0 rate: 0.25 name: \"x\" list: 9 inner { flag: true title: \"t\" } kept_unset { "
      "flag: "
      "true } plain { number: 4 } first { flag: true }";
  EXPECT_EQ(Filled(all), all);
}

TEST_F(FieldRulesTest, TheFirstCaseThatAppliesWins) {
  EXPECT_THAT(Filled("kind: KIND_FAST inner { title: 'x' }"), HasSubstr("depth: 2 "));
  EXPECT_THAT(Filled("inner { title: 'x' }"), HasSubstr("depth: 3 "));
}

TEST_F(FieldRulesTest, AnOptionalMessageIsCompletedOnlyWhereItIsSet) {
  EXPECT_THAT(Filled(""), ::testing::Not(HasSubstr("kept_unset")));
  EXPECT_THAT(Filled("kept_unset {}"), HasSubstr("kept_unset { flag: true }"));
}

TEST_F(FieldRulesTest, AMemberOfAOneofIsNotReplaced) {
  EXPECT_THAT(Filled("first {}"), HasSubstr("first { flag: true }"));
  EXPECT_THAT(Filled("first {}"), ::testing::Not(HasSubstr("second")));
}

TEST_F(FieldRulesTest, TakesValuesAtTheBoundsAndRefusesThoseBeyond) {
  EXPECT_OK(Check("size: 1 wait: 0 sides: 3 factor: 2 list: 1"));
  EXPECT_OK(Check("size: 40000000 rate: 0.999"));
  for (const auto& [text, field] : {std::pair("size: -1", "size"),
                                    {"size: 40000001", "size"},
                                    {"wait: -1", "wait"},
                                    {"rate: 1", "rate"},
                                    {"rate: -0.1", "rate"},
                                    {"sides: 2", "sides"},
                                    {"factor: 2.5", "factor"},
                                    {"list: [1, 0]", "list"},
                                    {"scales: [1, 0]", "scales"},
                                    {"scales: nan", "scales"}}) {
    EXPECT_THAT(Check(text), HasField(field)) << text;
    EXPECT_THAT(Check(text), HasReason(v1::ERROR_REASON_CONFIG_INVALID)) << text;
  }
}

TEST_F(FieldRulesTest, FieldsThatAreNotSetHaveNoRange) {
  EXPECT_OK(Check(""));
  EXPECT_OK(Check("size: 0 sides: 0 factor: 0"));
}

TEST_F(FieldRulesTest, NumbersWithoutARangeMustBeFinite) {
  EXPECT_OK(Check("free: -1e300 seed: 18446744073709551615"));
  EXPECT_THAT(Check("free: nan"), HasField("free"));
  EXPECT_THAT(Check("free: inf"), StatusMessage("free is inf; expected a finite number"));
}

TEST_F(FieldRulesTest, NamesTheValueTheRangeAndTheUnit) {
  EXPECT_THAT(Check("size: -1"), StatusMessage("size is -1; expected 1 to 40000000 items"));
  EXPECT_THAT(Check("rate: 2"), StatusMessage("rate is 2; expected a number above 0 and below 1"));
  EXPECT_THAT(Check("factor: 3"), StatusMessage("factor is 3; expected a number above 0 and at most 2"));
  EXPECT_THAT(Check("wait: -1"), StatusMessage("wait is -1; expected a number at least 0"));
  EXPECT_THAT(Check("sides: 2"), StatusMessage("sides is 2; expected 1 or 3"));
}

TEST_F(FieldRulesTest, RefusesEnumValuesOfANewerProgram) {
  EXPECT_THAT(Check("kind: 99"), StatusMessage("kind is 99, which is not known"));
}

TEST_F(FieldRulesTest, RequiredFieldsAreRequiredWhereTheirMessageIsSet) {
  EXPECT_OK(Check("plain {}"));
  EXPECT_OK(Check("plain { needy { text: 'x' } }"));
  EXPECT_THAT(Check("plain { needy {} }"), HasField("plain.needy.text"));
}

TEST_F(FieldRulesTest, PutsThePrefixBeforeEveryPath) {
  EXPECT_THAT(CheckFields(*Parse("size: -1"), "part"), HasField("part.size"));
  EXPECT_THAT(CheckFields(*Parse("plain { needy {} }"), "part"), StatusMessage(HasSubstr("part.plain.needy.text ")));
}

}  // namespace
}  // namespace semblance::config
