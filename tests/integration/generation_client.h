// The calls of ModelService and GenerationService that tests make, and waits for the states of a generation.
//
// Thread-safe. A method that returns a value reports an error of the server as a test failure. A method that returns a RichError
// leaves the error to the caller. Waits have no limit of their own; the test's timeout ends them.
#ifndef SEMBLANCE_TESTS_INTEGRATION_GENERATION_CLIENT_H_
#define SEMBLANCE_TESTS_INTEGRATION_GENERATION_CLIENT_H_

#include <grpcpp/channel.h>

#include <functional>
#include <memory>
#include <string>

#include "semblance/v1/generation_service.grpc.pb.h"
#include "semblance/v1/model_service.grpc.pb.h"
#include "tests/integration/rich_error.h"

namespace semblance::testing {

class GenerationClient {
 public:
  explicit GenerationClient(const std::shared_ptr<grpc::Channel>& channel);

  // `path` is relative to the model root. `model` may be null.
  RichError TryRegister(const std::string& path, v1::Model* model = nullptr) const;

  // Returns the generation's id.
  std::string Create(const std::string& model, v1::ActivationPolicy policy = v1::ACTIVATION_POLICY_MANUAL) const;

  v1::Generation Get(const std::string& id) const;
  v1::ListGenerationsResponse List() const;

  // Follows a generation until `enough` returns true or the server ends the stream. Returns the last message. An interrupted stream
  // (the server has ended) is not a failure: the caller sees it by the state.
  v1::Generation WatchUntil(const std::string& id, const std::function<bool(const v1::Generation&)>& enough) const;

  // Waits until the generation no longer changes without a command.
  v1::Generation WatchUntilAtRest(const std::string& id) const;

  // Waits until the state is `state` or a later one on the way to READY.
  v1::Generation WatchUntilState(const std::string& id, v1::GenerationState state) const;

  RichError Activate(const std::string& id, const std::string& expected_active = "",
                     v1::ActivateGenerationResponse* = nullptr) const;
  RichError Rollback(const std::string& expected_active = "") const;
  RichError Cancel(const std::string& id) const;

 private:
  const std::unique_ptr<v1::ModelService::Stub> models_;
  const std::unique_ptr<v1::GenerationService::Stub> generations_;
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_INTEGRATION_GENERATION_CLIENT_H_
