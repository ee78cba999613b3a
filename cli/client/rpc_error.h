// What a server says of a failed call, for people and for programs.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_CLI_CLIENT_RPC_ERROR_H_
#define SEMBLANCE_CLI_CLIENT_RPC_ERROR_H_

#include <grpcpp/support/status.h>

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace semblance::cli {

// A status with the details of gRPC's rich error model (google.rpc.Status in the trailers); empty where the server sent none.
struct RpcError {
  grpc::StatusCode code = grpc::StatusCode::OK;
  std::string message;
  // As the server has sent it; ReasonFromName(reason) is the value to compare.
  std::string reason;
  std::string field;
  std::optional<absl::Duration> retry_delay;
};

RpcError DescribeRpcError(const grpc::Status& status);

// Whether gRPC itself refused the request for its size: RESOURCE_EXHAUSTED without the details that a server's own refusal has.
bool IsMessageTooLarge(const RpcError& error);

// Whether the same call may succeed later: UNAVAILABLE, and RESOURCE_EXHAUSTED unless the message was too large.
bool IsTransient(const RpcError& error);

// "INVALID_ARGUMENT: top_k is 0; ... (field top_k, reason LIMIT_EXCEEDED)", with advice where there is some.
std::string FormatRpcError(const RpcError& error, absl::string_view server);

// As of common/process.h.
int ExitCodeOf(const RpcError& error);

}  // namespace semblance::cli

#endif  // SEMBLANCE_CLI_CLIENT_RPC_ERROR_H_
