// Describes what a server says about a failed call, for people and for programs.
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

// A status with the details of gRPC's rich error model (google.rpc.Status in the trailers). Details that the server did not send
// are empty.
struct RpcError {
  grpc::StatusCode code = grpc::StatusCode::OK;
  std::string message;
  // The reason, as the server has sent it. Compare with ReasonFromName(reason).
  std::string reason;
  std::string field;
  std::optional<absl::Duration> retry_delay;
};

RpcError DescribeRpcError(const grpc::Status& status);

// Returns true when gRPC itself refused the request for its size. It answers RESOURCE_EXHAUSTED, without the details that a
// server's own refusal has.
bool IsMessageTooLarge(const RpcError& error);

// Returns true when the same call may succeed later: for UNAVAILABLE, and for RESOURCE_EXHAUSTED unless the message was too large.
bool IsTransient(const RpcError& error);

// Returns a text such as "INVALID_ARGUMENT: top_k is 0; ... (field top_k, reason LIMIT_EXCEEDED)", with advice if there is any.
std::string FormatRpcError(const RpcError& error, absl::string_view server);

// Returns the exit code (common/program/process.h) for the error.
int ExitCodeOf(const RpcError& error);

}  // namespace semblance::cli

#endif  // SEMBLANCE_CLI_CLIENT_RPC_ERROR_H_
