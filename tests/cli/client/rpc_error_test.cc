#include "cli/client/rpc_error.h"

#include <string>

#include "common/program/process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cli/fake_server.h"

namespace semblance::cli {
namespace {

using ::semblance::testing::RichStatus;
using ::testing::HasSubstr;

TEST(RpcErrorTest, ReadsTheDetails) {
  const RpcError error =
      DescribeRpcError(RichStatus(grpc::StatusCode::RESOURCE_EXHAUSTED, "queue is full", "QUEUE_FULL", "items", 250));
  EXPECT_EQ(error.code, grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(error.message, "queue is full");
  EXPECT_EQ(error.reason, "QUEUE_FULL");
  EXPECT_EQ(error.field, "items");
  EXPECT_EQ(error.retry_delay, absl::Milliseconds(250));
}

TEST(RpcErrorTest, ReadsNothingFromDetailsThatAreNone) {
  const RpcError error = DescribeRpcError({grpc::StatusCode::INTERNAL, "oops", "\xff\xff not a message"});
  EXPECT_EQ(error.message, "oops");
  EXPECT_EQ(error.reason, "");
  EXPECT_EQ(error.field, "");
  EXPECT_FALSE(error.retry_delay.has_value());
}

TEST(RpcErrorTest, SaysWhatWasWrongAndWhere) {
  EXPECT_EQ(
      FormatRpcError(DescribeRpcError(RichStatus(grpc::StatusCode::INVALID_ARGUMENT, "top_k is 0", "LIMIT_EXCEEDED", "top_k")),
                     "host:1"),
      "INVALID_ARGUMENT: top_k is 0 (field top_k, reason LIMIT_EXCEEDED)");
  EXPECT_EQ(FormatRpcError(DescribeRpcError(RichStatus(grpc::StatusCode::NOT_FOUND, "no such item", "ITEM_NOT_FOUND")), "host:1"),
            "NOT_FOUND: no such item (reason ITEM_NOT_FOUND)");
}

TEST(RpcErrorTest, SaysWhatToDoWhenThereIsNoServerOrNoTime) {
  EXPECT_THAT(FormatRpcError(DescribeRpcError({grpc::StatusCode::UNAVAILABLE, "connection refused"}), "host:1"),
              HasSubstr("is a server listening on host:1?"));
  EXPECT_THAT(FormatRpcError(DescribeRpcError({grpc::StatusCode::DEADLINE_EXCEEDED, "too late"}), "host:1"),
              HasSubstr("--timeout_seconds"));
}

TEST(RpcErrorTest, TellsOverloadFromAMessageThatIsTooLarge) {
  const RpcError overload = DescribeRpcError(RichStatus(grpc::StatusCode::RESOURCE_EXHAUSTED, "full", "QUEUE_FULL"));
  const RpcError too_large = DescribeRpcError({grpc::StatusCode::RESOURCE_EXHAUSTED, "received message larger than max"});
  EXPECT_TRUE(IsTransient(overload));
  EXPECT_EQ(ExitCodeOf(overload), kExitTransient);
  EXPECT_FALSE(IsTransient(too_large));
  EXPECT_EQ(ExitCodeOf(too_large), kExitBadInput);
}

TEST(RpcErrorTest, GivesScriptsAnExitCode) {
  const auto exit_code = [](grpc::StatusCode code) { return ExitCodeOf(DescribeRpcError({code, "x"})); };
  EXPECT_EQ(exit_code(grpc::StatusCode::INVALID_ARGUMENT), kExitBadInput);
  EXPECT_EQ(exit_code(grpc::StatusCode::NOT_FOUND), kExitBadInput);
  EXPECT_EQ(exit_code(grpc::StatusCode::FAILED_PRECONDITION), kExitBadInput);
  EXPECT_EQ(exit_code(grpc::StatusCode::UNAVAILABLE), kExitTransient);
  EXPECT_EQ(exit_code(grpc::StatusCode::DEADLINE_EXCEEDED), kExitTransient);
  EXPECT_EQ(exit_code(grpc::StatusCode::INTERNAL), kExitFailed);
}

}  // namespace
}  // namespace semblance::cli
