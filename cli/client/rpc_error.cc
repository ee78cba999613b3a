#include "cli/client/rpc_error.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/program/process.h"
#include "google/rpc/error_details.pb.h"

namespace semblance::cli {

RpcError DescribeRpcError(const grpc::Status& status) {
  RpcError error{.code = status.error_code(), .message = status.error_message(), .reason = "", .field = "", .retry_delay = {}};
  google::rpc::Status rich;
  rich.ParseFromString(status.error_details());
  for (const google::protobuf::Any& detail : rich.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::BadRequest bad_request;
    google::rpc::RetryInfo retry;
    if (detail.UnpackTo(&info)) {
      error.reason = info.reason();
    } else if (detail.UnpackTo(&bad_request) && bad_request.field_violations_size() > 0) {
      error.field = bad_request.field_violations(0).field();
    } else if (detail.UnpackTo(&retry)) {
      error.retry_delay = absl::Seconds(retry.retry_delay().seconds()) + absl::Nanoseconds(retry.retry_delay().nanos());
    }
  }
  return error;
}

bool IsMessageTooLarge(const RpcError& error) {
  return error.code == grpc::StatusCode::RESOURCE_EXHAUSTED && error.reason.empty() && !error.retry_delay.has_value();
}

bool IsTransient(const RpcError& error) {
  return error.code == grpc::StatusCode::UNAVAILABLE ||
         (error.code == grpc::StatusCode::RESOURCE_EXHAUSTED && !IsMessageTooLarge(error));
}

std::string FormatRpcError(const RpcError& error, absl::string_view server) {
  std::string text = absl::StrCat(absl::StatusCodeToString(static_cast<absl::StatusCode>(error.code)), ": ", error.message);
  if (!error.field.empty()) {
    absl::StrAppend(&text, " (field ", error.field, ", reason ", error.reason, ")");
  } else if (!error.reason.empty()) {
    absl::StrAppend(&text, " (reason ", error.reason, ")");
  } else if (error.code == grpc::StatusCode::UNAVAILABLE) {
    absl::StrAppend(&text, "; is a server listening on ", server, "? Name another one with --server=HOST:PORT");
  } else if (error.code == grpc::StatusCode::DEADLINE_EXCEEDED) {
    absl::StrAppend(&text, "; wait longer with --timeout_seconds=N");
  }
  return text;
}

int ExitCodeOf(const RpcError& error) {
  switch (error.code) {
    case grpc::StatusCode::OK:
      return kExitDone;
    case grpc::StatusCode::INVALID_ARGUMENT:
    case grpc::StatusCode::NOT_FOUND:
    case grpc::StatusCode::ALREADY_EXISTS:
    case grpc::StatusCode::FAILED_PRECONDITION:
    case grpc::StatusCode::DATA_LOSS:
      return kExitBadInput;
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return IsMessageTooLarge(error) ? kExitBadInput : kExitTransient;
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
    case grpc::StatusCode::ABORTED:
      return kExitTransient;
    default:
      return kExitFailed;
  }
}

}  // namespace semblance::cli
