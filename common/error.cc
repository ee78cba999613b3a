#include "common/error.h"

#include <cerrno>
#include <system_error>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace semblance {
namespace {

constexpr char kReasonUrl[] = "semblance/reason";
constexpr char kFieldUrl[] = "semblance/field";
constexpr char kRetryUrl[] = "semblance/retry_delay_ns";

std::string Payload(const absl::Status& status, absl::string_view url) {
  const auto payload = status.GetPayload(url);
  return payload.has_value() ? std::string(*payload) : std::string();
}

absl::StatusCode CodeOfErrno(int error_number) {
  switch (error_number) {
    case ENOENT:
      return absl::StatusCode::kNotFound;
    case EEXIST:
      return absl::StatusCode::kAlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::StatusCode::kPermissionDenied;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return absl::StatusCode::kResourceExhausted;
    case ENOTDIR:
    case EISDIR:
    case ENOTEMPTY:
      return absl::StatusCode::kFailedPrecondition;
    case EINVAL:
    case ENAMETOOLONG:
      return absl::StatusCode::kInvalidArgument;
    default:
      return absl::StatusCode::kUnavailable;
  }
}

}  // namespace

absl::Status Error(absl::StatusCode code, v1::ErrorReason reason, absl::string_view message) {
  absl::Status status(code, message);
  // The payload is text, so that a status in a log can be read.
  if (const std::string name = ReasonName(reason); !name.empty()) {
    status.SetPayload(kReasonUrl, absl::Cord(name));
  }
  return status;
}

absl::Status InvalidField(absl::string_view field, v1::ErrorReason reason, absl::string_view message) {
  absl::Status status = Error(absl::StatusCode::kInvalidArgument, reason, message);
  status.SetPayload(kFieldUrl, absl::Cord(field));
  return status;
}

absl::Status WithFieldPrefix(absl::Status status, absl::string_view prefix) {
  if (status.ok()) {
    return status;
  }
  const std::string field = ErrorField(status);
  status.SetPayload(kFieldUrl, absl::Cord(field.empty() ? std::string(prefix) : absl::StrCat(prefix, ".", field)));
  return status;
}

absl::Status WithRetryDelay(absl::Status status, absl::Duration delay) {
  if (!status.ok()) {
    status.SetPayload(kRetryUrl, absl::Cord(absl::StrCat(absl::ToInt64Nanoseconds(delay))));
  }
  return status;
}

v1::ErrorReason ReasonOf(const absl::Status& status) {
  return ReasonFromName(Payload(status, kReasonUrl));
}

std::string ErrorField(const absl::Status& status) {
  return Payload(status, kFieldUrl);
}

std::optional<absl::Duration> RetryDelay(const absl::Status& status) {
  int64_t nanoseconds = 0;
  if (!absl::SimpleAtoi(Payload(status, kRetryUrl), &nanoseconds)) {
    return std::nullopt;
  }
  return absl::Nanoseconds(nanoseconds);
}

absl::Status WithContext(const absl::Status& status, absl::string_view context) {
  if (status.ok()) {
    return status;
  }
  absl::Status result(status.code(), absl::StrCat(context, ": ", status.message()));
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) { result.SetPayload(url, payload); });
  return result;
}

absl::Status ErrnoError(int error_number, absl::string_view what) {
  return absl::Status(CodeOfErrno(error_number), absl::StrCat(what, ": ", std::generic_category().message(error_number)));
}

}  // namespace semblance
