// GenerationService (proto/semblance/v1/generation_service.proto) converts messages and calls a GenerationController.
//
// Thread-safe. Controller and tracker must outlive the service, and the service must outlive every call.
//
// Calls that block run on two threads of the service, never on gRPC's. If too many wait, further ones are refused with
// ResourceExhausted/QUEUE_FULL and a retry delay. Getting, listing and watching generations never waits for them.
#ifndef SEMBLANCE_SERVICE_RPC_GENERATION_SERVICE_H_
#define SEMBLANCE_SERVICE_RPC_GENERATION_SERVICE_H_

#include <grpcpp/impl/service_type.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "service/generations/generation_controller.h"
#include "service/rpc/unary_call.h"

namespace semblance::service {

struct ResolvedModel {
  std::string bundle_dir;
  int version = 0;
};

// Finds the bundle of "shoes/3", "shoes@champion" or "shoes". May block. Errors: NotFound/MODEL_NOT_FOUND;
// InvalidArgument/INVALID_MODEL_NAME.
using ModelResolver = std::function<absl::StatusOr<ResolvedModel>(const std::string& name)>;

// A watch sends changes of state at once. It sends mere progress at most once in `min_progress_interval`.
std::unique_ptr<grpc::Service> NewGenerationService(GenerationController* generations, ModelResolver resolve_model,
                                                    CallTracker* calls,
                                                    absl::Duration min_progress_interval = absl::Milliseconds(200));

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_RPC_GENERATION_SERVICE_H_
