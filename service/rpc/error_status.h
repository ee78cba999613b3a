// Converts absl::Status to grpc::Status. No other file does this.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_SERVICE_RPC_ERROR_STATUS_H_
#define SEMBLANCE_SERVICE_RPC_ERROR_STATUS_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace semblance::service {

// Keeps code and message. Reason, field and retry delay (common/error.h) become google.rpc.ErrorInfo (domain "semblance"),
// BadRequest and RetryInfo of the rich error model (trailer grpc-status-details-bin).
grpc::Status ToGrpcStatus(const absl::Status& status);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_RPC_ERROR_STATUS_H_
