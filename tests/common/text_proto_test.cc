#include "common/text_proto.h"

#include <google/protobuf/wrappers.pb.h>

#include "common/error.h"
#include "tests/testing/status_matchers.h"

namespace semblance {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;
using testing::StatusMessage;

TEST(TextProtoTest, ReplacesWhatTheMessageHeld) {
  google::protobuf::StringValue message;
  message.set_value("before");
  ASSERT_OK(ParseTextProto("value: 'after'", "file", &message));
  EXPECT_EQ(message.value(), "after");
  ASSERT_OK(ParseTextProto("# nothing", "file", &message));
  EXPECT_EQ(message.value(), "");
}

TEST(TextProtoTest, NamesFileLineAndColumnOfTheFirstError) {
  google::protobuf::StringValue message;
  const absl::Status status = ParseTextProto("value: 'a'\nvlaue: 'b'\nmore: 1", "mine.textproto", &message);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_CONFIG_INVALID);
  EXPECT_THAT(status, StatusMessage(HasSubstr("mine.textproto:2:")));
  EXPECT_THAT(status, StatusMessage(HasSubstr("vlaue")));
}

TEST(TextProtoTest, KnowsUtf8) {
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8("caf\xC3\xA9"));
  EXPECT_FALSE(IsUtf8("caf\xE9"));
  EXPECT_FALSE(IsUtf8("\xC0\xAF"));          // Overlong.
  EXPECT_FALSE(IsUtf8("\xED\xA0\x80"));      // A surrogate.
  EXPECT_FALSE(IsUtf8("\xF4\x90\x80\x80"));  // Above U+10FFFF.
}

}  // namespace
}  // namespace semblance
