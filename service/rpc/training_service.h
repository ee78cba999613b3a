// TrainingService (proto/semblance/v1/training_service.proto) converts messages and calls a TrainingController.
//
// Thread-safe. Controller and tracker must outlive the service, and the service must outlive every call.
//
// Calls that block run on two threads of the service, never on gRPC's. If too many wait, further ones are refused with
// ResourceExhausted/QUEUE_FULL and a retry delay.
#ifndef SEMBLANCE_SERVICE_RPC_TRAINING_SERVICE_H_
#define SEMBLANCE_SERVICE_RPC_TRAINING_SERVICE_H_

#include <grpcpp/impl/service_type.h>

#include <memory>

#include "absl/time/time.h"
#include "service/rpc/unary_call.h"
#include "service/training/training_controller.h"

namespace semblance::service {

// A watch sends changes of state at once. It sends mere progress at most once in `min_progress_interval`.
std::unique_ptr<grpc::Service> NewTrainingService(TrainingController* training, CallTracker* calls,
                                                  absl::Duration min_progress_interval = absl::Milliseconds(200));

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_RPC_TRAINING_SERVICE_H_
