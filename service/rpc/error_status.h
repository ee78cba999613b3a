// The one place where absl::Status meets grpc::Status.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_SERVICE_RPC_ERROR_STATUS_H_
#define SEMBLANCE_SERVICE_RPC_ERROR_STATUS_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace semblance::service {

// Code and message as they are; reason, field and retry delay (common/error.h) as google.rpc.ErrorInfo (domain "semblance"),
// BadRequest and RetryInfo in the rich error model (trailer grpc-status-details-bin).
grpc::Status ToGrpcStatus(const absl::Status& status);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_RPC_ERROR_STATUS_H_
