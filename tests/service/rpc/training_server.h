// TrainingService on a real server and channel in this process, over a fake controller.
#ifndef SEMBLANCE_TESTS_SERVICE_RPC_TRAINING_SERVER_H_
#define SEMBLANCE_TESTS_SERVICE_RPC_TRAINING_SERVER_H_

#include <memory>

#include "absl/time/time.h"
#include "semblance/v1/training_service.grpc.pb.h"
#include "service/rpc/training_service.h"
#include "tests/service/rpc/rpc_fixture.h"
#include "tests/service/training/fake_training_controller.h"

namespace semblance::testing {

class TrainingServer {
 public:
  using Stub = v1::TrainingService::Stub;

  explicit TrainingServer(absl::Duration min_progress_interval = absl::ZeroDuration()) {
    rpc.Serve(service::NewTrainingService(&training, rpc.calls(), min_progress_interval));
    stub = v1::TrainingService::NewStub(rpc.channel());
  }

  // The controller outlives the calls of `rpc`.
  FakeTrainingController training;
  RpcFixture rpc;
  std::unique_ptr<Stub> stub;
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_SERVICE_RPC_TRAINING_SERVER_H_
