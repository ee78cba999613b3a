#include "common/error.h"

#include <cerrno>
#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace semblance {
namespace {

using ::semblance::testing::HasField;
using ::semblance::testing::HasReason;
using ::semblance::testing::IsOk;
using ::semblance::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(ErrorTest, CarriesCodeReasonAndMessage) {
  const absl::Status status = Error(absl::StatusCode::kUnavailable, v1::ERROR_REASON_DRAINING, "the server is shutting down");
  EXPECT_THAT(status, AllOf(StatusIs(absl::StatusCode::kUnavailable), HasReason("DRAINING"), HasField("")));
  EXPECT_EQ(status.message(), "the server is shutting down");
}

TEST(ErrorTest, InvalidFieldIsTheClientsFaultAndNamesTheField) {
  EXPECT_THAT(InvalidField("image", v1::ERROR_REASON_IMAGE_TOO_LARGE, "9 MiB, at most 8 MiB"),
              AllOf(StatusIs(absl::StatusCode::kInvalidArgument), HasReason("IMAGE_TOO_LARGE"), HasField("image")));
}

TEST(ErrorTest, EachLayerPrefixesItsPartOfTheField) {
  const absl::Status status = InvalidField("image", v1::ERROR_REASON_IMAGE_DECODE_FAILED, "bad");
  EXPECT_THAT(WithFieldPrefix(WithFieldPrefix(status, "items[3]"), "request"), HasField("request.items[3].image"));
}

TEST(ErrorTest, APrefixAloneBecomesTheField) {
  EXPECT_THAT(WithFieldPrefix(absl::InvalidArgumentError("bad"), "images[2]"), HasField("images[2]"));
}

TEST(ErrorTest, HasNoReasonFieldOrDelayUnlessGiven) {
  const absl::Status status = absl::InternalError("oops");
  EXPECT_THAT(status, AllOf(HasReason(""), HasField("")));
  EXPECT_EQ(RetryDelay(status), std::nullopt);
}

TEST(ErrorTest, KeepsTheRetryDelayToTheNanosecond) {
  const absl::Duration delay = absl::Milliseconds(250) + absl::Nanoseconds(1);
  EXPECT_EQ(RetryDelay(WithRetryDelay(absl::ResourceExhaustedError("queue full"), delay)), delay);
}

TEST(ErrorTest, AContextGoesBeforeTheMessageAndLosesNothing) {
  const absl::Status status =
      WithRetryDelay(InvalidField("image", v1::ERROR_REASON_IMAGE_DECODE_FAILED, "truncated"), absl::Seconds(1));
  const absl::Status outer = WithContext(status, "a.jpg");
  EXPECT_EQ(outer.message(), "a.jpg: truncated");
  EXPECT_THAT(outer, AllOf(StatusIs(absl::StatusCode::kInvalidArgument), HasReason("IMAGE_DECODE_FAILED"), HasField("image")));
  EXPECT_EQ(RetryDelay(outer), absl::Seconds(1));
}

TEST(ErrorTest, OkStaysOk) {
  EXPECT_THAT(WithContext(absl::OkStatus(), "context"), IsOk());
  EXPECT_THAT(WithFieldPrefix(absl::OkStatus(), "field"), IsOk());
  EXPECT_THAT(WithRetryDelay(absl::OkStatus(), absl::Seconds(1)), IsOk());
}

TEST(ErrorTest, GivesSystemErrorsACodeAndTheSystemsWords) {
  EXPECT_EQ(ErrnoError(ENOENT, "cannot open a").code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ErrnoError(EEXIST, "x").code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ErrnoError(EROFS, "x").code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(ErrnoError(ENOSPC, "x").code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrnoError(EISDIR, "x").code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ErrnoError(ENAMETOOLONG, "x").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ErrnoError(EIO, "x").code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(ErrnoError(ENOENT, "cannot open a").message()), HasSubstr("cannot open a: No such file"));
}

}  // namespace
}  // namespace semblance
