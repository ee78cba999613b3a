// The text of error reasons. A reason travels as text (google.rpc.ErrorInfo.reason), and programs compare v1::ErrorReason.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_COMMON_ERROR_REASON_H_
#define SEMBLANCE_COMMON_ERROR_REASON_H_

#include <string>

#include "absl/strings/string_view.h"
#include "semblance/v1/error_reason.pb.h"

namespace semblance {

// "ITEM_NOT_FOUND" for ERROR_REASON_ITEM_NOT_FOUND. Empty for UNSPECIFIED and for numbers that the enum does not name.
std::string ReasonName(v1::ErrorReason reason);

// The inverse of ReasonName. UNSPECIFIED for text that names no reason, such as one that a newer server has sent.
v1::ErrorReason ReasonFromName(absl::string_view name);

}  // namespace semblance

#endif  // SEMBLANCE_COMMON_ERROR_REASON_H_
