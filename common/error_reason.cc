#include "common/error_reason.h"

#include "absl/strings/str_cat.h"

namespace semblance {
namespace {

constexpr char kPrefix[] = "ERROR_REASON_";

}  // namespace

std::string ReasonName(v1::ErrorReason reason) {
  if (reason == v1::ERROR_REASON_UNSPECIFIED || !v1::ErrorReason_IsValid(reason)) {
    return "";
  }
  return v1::ErrorReason_Name(reason).substr(sizeof(kPrefix) - 1);
}

v1::ErrorReason ReasonFromName(absl::string_view name) {
  v1::ErrorReason reason = v1::ERROR_REASON_UNSPECIFIED;
  // Parse leaves `reason` unchanged when no value has that name.
  v1::ErrorReason_Parse(absl::StrCat(kPrefix, name), &reason);
  return reason;
}

}  // namespace semblance
