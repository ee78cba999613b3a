// The gRPC server: the services, health, reflection, limits and shutdown in one object.
//
// Thread-safe.
//
// Health (grpc.health.v1) covers "" and every service. It follows SetServing.
// Errors: InvalidArgument for an address that cannot be parsed or bound.
#ifndef SEMBLANCE_SERVICE_RPC_SERVER_H_
#define SEMBLANCE_SERVICE_RPC_SERVER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "service/rpc/metrics.h"

namespace semblance::service {

class Engine;
class GenerationController;
class ModelRegistry;
class TrainingController;

// The objects that answer. All must outlive the server.
struct RpcServices {
  // Required.
  Engine* engine = nullptr;
  // If a pointer is null, the server lacks that service. Generations need models.
  ModelRegistry* models = nullptr;
  GenerationController* generations = nullptr;
  TrainingController* training = nullptr;
};

class RpcServer {
 public:
  virtual ~RpcServer() = default;

  // The port that was bound, also if the address asked for port 0.
  virtual int port() const = 0;

  virtual void SetServing(bool serving) = 0;

  // Returns true when no call has arrived for 0.3 s, or false when `limit` has passed. Calls are answered meanwhile. Call this
  // before Shutdown: a call whose message arrives while gRPC shuts down ends as CANCELLED, which clients do not retry.
  virtual bool WaitUntilQuiet(absl::Duration limit) = 0;

  // Ends all streams with Unavailable/DRAINING and accepts no more calls. Waits for the calls in flight and cancels those that
  // are left after `grace`. Returns when no call is left. Call once.
  virtual void Shutdown(absl::Duration grace) = 0;
};

// Listens on `address` (host:port). Health says NOT_SERVING at first. `metrics` must outlive the server.
absl::StatusOr<std::unique_ptr<RpcServer>> StartRpcServer(const std::string& address, const RpcServices& services,
                                                          RpcMetrics* metrics);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_RPC_SERVER_H_
