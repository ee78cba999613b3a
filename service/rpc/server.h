// The gRPC server: the services, health, reflection, limits and shutdown in one object.
//
// Thread-safe.
//
// Health (grpc.health.v1) covers "" and every service and follows SetServing. Errors: InvalidArgument for an address that cannot be
// parsed or bound.
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

// What answers. All must outlive the server.
struct RpcServices {
  // Required.
  Engine* engine = nullptr;
  // Null: there is no such service. Generations need models.
  ModelRegistry* models = nullptr;
  GenerationController* generations = nullptr;
  TrainingController* training = nullptr;
};

class RpcServer {
 public:
  virtual ~RpcServer() = default;

  // The port, also where the address asked for port 0.
  virtual int port() const = 0;

  virtual void SetServing(bool serving) = 0;

  // Waits until no call has arrived for 0.3 s: true; or until `limit` has passed: false. Calls are answered meanwhile. To be used
  // before Shutdown, because a call whose message is still on its way when gRPC shuts down ends as CANCELLED, which clients do not
  // retry.
  virtual bool WaitUntilQuiet(absl::Duration limit) = 0;

  // Ends all streams (Unavailable/DRAINING), stops accepting calls, waits until those in flight have finished, cancels what is left
  // after `grace`, and returns when nothing is left. Call once.
  virtual void Shutdown(absl::Duration grace) = 0;
};

// Listens on `address` (host:port), not serving. `metrics` must outlive the server.
absl::StatusOr<std::unique_ptr<RpcServer>> StartRpcServer(const std::string& address, const RpcServices& services,
                                                          RpcMetrics* metrics);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_RPC_SERVER_H_
