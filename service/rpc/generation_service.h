// GenerationService (proto/semblance/v1/generation_service.proto): an adaptor from messages to the engine's GenerationController.
//
// Thread-safe. Controller and tracker must outlive the service, and the service every call.
//
// What blocks in the controller runs on two threads of the service, never on gRPC's; when too much waits for them, calls are
// refused with ResourceExhausted/QUEUE_FULL and a retry delay. To get, list and watch generations is not held up by them.
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

// A watch shows progress alone at most once in `min_progress_interval`, and changes of state at once.
std::unique_ptr<grpc::Service> NewGenerationService(GenerationController* generations, ModelResolver resolve_model,
                                                    CallTracker* calls,
                                                    absl::Duration min_progress_interval = absl::Milliseconds(200));

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_RPC_GENERATION_SERVICE_H_
