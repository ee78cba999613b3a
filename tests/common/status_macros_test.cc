#include "common/status_macros.h"

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace semblance {
namespace {

using ::semblance::testing::IsOk;
using ::semblance::testing::StatusIs;

absl::Status ReturnIfError(const absl::Status& first, const absl::Status& second) {
  SEMBLANCE_RETURN_IF_ERROR(first);
  SEMBLANCE_RETURN_IF_ERROR(second);
  return absl::OkStatus();
}

absl::StatusOr<int> Sum(const absl::StatusOr<int>& a, const absl::StatusOr<int>& b) {
  SEMBLANCE_ASSIGN_OR_RETURN(const int left, a);
  SEMBLANCE_ASSIGN_OR_RETURN(const int right, b);
  return left + right;
}

absl::StatusOr<int> TakeOwnership(absl::StatusOr<std::unique_ptr<int>> pointer) {
  SEMBLANCE_ASSIGN_OR_RETURN(const std::unique_ptr<int> owned, std::move(pointer));
  return *owned;
}

TEST(StatusMacrosTest, ReturnTheFirstError) {
  EXPECT_THAT(ReturnIfError(absl::NotFoundError("a"), absl::InternalError("b")), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(ReturnIfError(absl::OkStatus(), absl::InternalError("b")), StatusIs(absl::StatusCode::kInternal));
  EXPECT_THAT(ReturnIfError(absl::OkStatus(), absl::OkStatus()), IsOk());
}

TEST(StatusMacrosTest, AssignTheValueOrReturnTheError) {
  ASSERT_OK_AND_ASSIGN(const int sum, Sum(1, 2));
  EXPECT_EQ(sum, 3);
  EXPECT_THAT(Sum(1, absl::NotFoundError("b")), StatusIs(absl::StatusCode::kNotFound));
}

TEST(StatusMacrosTest, MoveWhatCannotBeCopied) {
  ASSERT_OK_AND_ASSIGN(const int value, TakeOwnership(std::make_unique<int>(7)));
  EXPECT_EQ(value, 7);
}

}  // namespace
}  // namespace semblance
