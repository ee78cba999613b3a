// Matchers for absl::Status and absl::StatusOr: EXPECT_OK(x), StatusIs(code), StatusMessage(matcher), HasField("items[3]"), and
// HasReason(v1::ERROR_REASON_QUEUE_FULL) or, by its text, HasReason("QUEUE_FULL").
#ifndef SEMBLANCE_TESTS_TESTING_STATUS_MATCHERS_H_
#define SEMBLANCE_TESTS_TESTING_STATUS_MATCHERS_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace semblance::testing {

inline const absl::Status& ToStatus(const absl::Status& status) {
  return status;
}
template <typename T>
const absl::Status& ToStatus(const absl::StatusOr<T>& result) {
  return result.status();
}

MATCHER(IsOk, "is OK") {
  *result_listener << ToStatus(arg).ToString();
  return ToStatus(arg).ok();
}

MATCHER_P(StatusIs, code, "has the status code " + absl::StatusCodeToString(code)) {
  *result_listener << ToStatus(arg).ToString();
  return ToStatus(arg).code() == code;
}

// The message matches: StatusMessage(HasSubstr("limit")).
MATCHER_P(StatusMessage, matcher, "has a message that matches") {
  *result_listener << ToStatus(arg).ToString();
  return ::testing::Matches(matcher)(std::string(ToStatus(arg).message()));
}

inline std::string ReasonText(v1::ErrorReason reason) {
  return ReasonName(reason);
}
inline std::string ReasonText(const std::string& name) {
  return name;
}

MATCHER_P(HasReason, reason, "has the reason " + ReasonText(reason)) {
  *result_listener << ToStatus(arg).ToString();
  return ReasonName(ReasonOf(ToStatus(arg))) == ReasonText(reason);
}

MATCHER_P(HasField, field, "") {
  *result_listener << ToStatus(arg).ToString() << " field " << ErrorField(ToStatus(arg));
  return ErrorField(ToStatus(arg)) == field;
}

#define EXPECT_OK(expression) EXPECT_THAT(expression, ::semblance::testing::IsOk())
#define ASSERT_OK(expression) ASSERT_THAT(expression, ::semblance::testing::IsOk())

// NOLINTBEGIN(bugprone-macro-parentheses): `lhs` may be a declaration.
#define SEMBLANCE_TEST_CONCAT_INNER(a, b) a##b
#define SEMBLANCE_TEST_CONCAT(a, b) SEMBLANCE_TEST_CONCAT_INNER(a, b)
#define ASSERT_OK_AND_ASSIGN_TO(result, lhs, expression) \
  auto result = (expression);                            \
  ASSERT_OK(result);                                     \
  lhs = std::move(result).value()
// ASSERT_OK_AND_ASSIGN(const std::string bytes, ReadFile(path));
#define ASSERT_OK_AND_ASSIGN(lhs, expression) \
  ASSERT_OK_AND_ASSIGN_TO(SEMBLANCE_TEST_CONCAT(test_result_, __LINE__), lhs, expression)
// NOLINTEND(bugprone-macro-parentheses)

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_TESTING_STATUS_MATCHERS_H_
