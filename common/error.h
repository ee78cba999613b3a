// Errors that say what was wrong, where, and when to try again: an absl::Status with a machine-readable reason, the path of the
// offending field and a retry delay as payloads.
//
// Thread-safe: functions without state.
//
// A reason is UPPER_SNAKE_CASE and stable (clients switch on it; see docs/errors.md). A field is a path in the terms of the
// caller's request, such as items[3].image; layers below name what they know ("image") and each layer above prefixes its part. The
// RPC layer turns them into google.rpc.ErrorInfo, BadRequest and RetryInfo.
#ifndef SEMBLANCE_COMMON_ERROR_H_
#define SEMBLANCE_COMMON_ERROR_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace semblance {

// An error with a reason. REQUIRES: code is not OK.
absl::Status Error(absl::StatusCode code, absl::string_view reason, absl::string_view message);

// Bad input: INVALID_ARGUMENT with a reason and the field.
absl::Status InvalidField(absl::string_view field, absl::string_view reason, absl::string_view message);

// The same status with `prefix` put before its field: "items[3]" + "image" is "items[3].image"; a status without a field gets the
// prefix alone. OK stays OK.
absl::Status WithFieldPrefix(absl::Status status, absl::string_view prefix);

// The same status with a hint when to try again.
absl::Status WithRetryDelay(absl::Status status, absl::Duration delay);

// Empty where the status has none.
std::string ErrorReason(const absl::Status& status);
std::string ErrorField(const absl::Status& status);
std::optional<absl::Duration> RetryDelay(const absl::Status& status);

// The same status with "context: " put before its message; payloads are kept. OK stays OK.
absl::Status WithContext(const absl::Status& status, absl::string_view context);

// The error of a failed system call: code by errno, message "what: strerror".
absl::Status ErrnoError(int error_number, absl::string_view what);

}  // namespace semblance

#endif  // SEMBLANCE_COMMON_ERROR_H_
