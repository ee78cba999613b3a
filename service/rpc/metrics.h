// Receives what happens to calls. service/http exports it under the common names grpc_server_*.
//
// Thread-safe. No method blocks.
#ifndef SEMBLANCE_SERVICE_RPC_METRICS_H_
#define SEMBLANCE_SERVICE_RPC_METRICS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace semblance::service {

// Names one method of the API, for example {"semblance.v1.SearchService", "Search"}.
struct RpcMethod {
  absl::string_view service;
  absl::string_view method;
};

class RpcMetrics {
 public:
  virtual ~RpcMetrics() = default;

  virtual void CountStarted(const RpcMethod& method) = 0;
  virtual void ObserveHandled(const RpcMethod& method, const absl::Status& status, absl::Duration duration) = 0;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_RPC_METRICS_H_
