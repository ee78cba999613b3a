#include "common/json_proto.h"

#include <google/protobuf/type.pb.h>

#include "common/file.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance {
namespace {

using ::semblance::testing::HasReason;
using ::semblance::testing::StatusIs;
using ::semblance::testing::StatusMessage;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(JsonProtoTest, WhatIsWrittenIsReadInPlaceOfWhatTheMessageHeld) {
  const testing::TempDir dir;
  // The message must have no map, because ThreadSanitizer builds lay out maps differently from the system's protobuf.
  google::protobuf::Option message;
  message.set_name("Schuhe f\xc3\xbcr \"alle\"");
  ASSERT_OK(WriteJsonProto(dir.Join("file.json"), message));

  google::protobuf::Option read;
  read.mutable_value()->set_value("other");
  ASSERT_OK(ReadJsonProto(dir.Join("file.json"), &read));

  EXPECT_EQ(read.DebugString(), message.DebugString());
}

TEST(JsonProtoTest, ADamagedFileIsDataLossWithItsPath) {
  const testing::TempDir dir;
  ASSERT_OK(WriteFileAtomically(dir.Join("file.json"), "{\"name\": "));

  google::protobuf::Option read;
  EXPECT_THAT(ReadJsonProto(dir.Join("file.json"), &read),
              AllOf(StatusIs(absl::StatusCode::kDataLoss), HasReason("MANIFEST_INVALID"), StatusMessage(HasSubstr("file.json"))));
}

TEST(JsonProtoTest, AMissingFileIsNotFound) {
  const testing::TempDir dir;
  google::protobuf::Option read;
  EXPECT_THAT(ReadJsonProto(dir.Join("file.json"), &read), StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace semblance
