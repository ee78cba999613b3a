// Errors that say what was wrong, where, and when to try again: an absl::Status with a machine-readable reason, the path of the
// offending field and a retry delay as payloads.
//
// Thread-safe: functions without state.
//
// Reasons are the values of v1::ErrorReason; docs/errors.md explains them to clients. A field is a path in the terms of the
// caller's request, such as items[3].image: a lower layer names what it knows ("image"), and each layer above puts its part before
// that. The RPC layer turns reason, field and delay into google.rpc.ErrorInfo, BadRequest and RetryInfo.
#ifndef SEMBLANCE_COMMON_ERROR_H_
#define SEMBLANCE_COMMON_ERROR_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/error_reason.h"

namespace semblance {

// An error with a reason; UNSPECIFIED gives an error without one. REQUIRES: code is not OK.
absl::Status Error(absl::StatusCode code, v1::ErrorReason reason, absl::string_view message);

// The error for bad input: INVALID_ARGUMENT with a reason and the field.
absl::Status InvalidField(absl::string_view field, v1::ErrorReason reason, absl::string_view message);

// The same status with `prefix` put before its field: "items[3]" + "image" is "items[3].image"; a status without a field gets the
// prefix alone. OK stays OK.
absl::Status WithFieldPrefix(absl::Status status, absl::string_view prefix);

// The same status with the time after which a client may try again. OK stays OK.
absl::Status WithRetryDelay(absl::Status status, absl::Duration delay);

// UNSPECIFIED where the status has no reason.
v1::ErrorReason ReasonOf(const absl::Status& status);

// Empty where the status has no field.
std::string ErrorField(const absl::Status& status);

// nullopt where the status has no delay.
std::optional<absl::Duration> RetryDelay(const absl::Status& status);

// The same status with "context: " put before its message; payloads are kept. OK stays OK.
absl::Status WithContext(const absl::Status& status, absl::string_view context);

// The error of a failed system call. The code follows from errno; the message is "<what>: <the system's words for errno>".
absl::Status ErrnoError(int error_number, absl::string_view what);

}  // namespace semblance

#endif  // SEMBLANCE_COMMON_ERROR_H_
