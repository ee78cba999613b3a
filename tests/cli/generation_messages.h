// Generations as a server describes them.
#ifndef SEMBLANCE_TESTS_CLI_GENERATION_MESSAGES_H_
#define SEMBLANCE_TESTS_CLI_GENERATION_MESSAGES_H_

#include <string>

#include "semblance/v1/generation_service.pb.h"

namespace semblance::testing {

// Makes a generation of the model shoes/N, where N is the last digit of the id. Its state dates from 2023-11-14T22:13:20.
inline v1::Generation MakeGeneration(const std::string& id, v1::GenerationState state, const std::string& reason = "") {
  v1::Generation generation;
  generation.set_id(id);
  generation.set_state(state);
  generation.set_state_reason(reason);
  generation.set_model("shoes");
  generation.set_model_version(id.back() - '0');
  generation.mutable_state_time()->set_seconds(1'700'000'000);
  return generation;
}

inline v1::WatchGenerationResponse WatchAnswer(v1::GenerationState state, const std::string& reason = "") {
  v1::WatchGenerationResponse response;
  *response.mutable_generation() = MakeGeneration("gen-000002", state, reason);
  return response;
}

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_CLI_GENERATION_MESSAGES_H_
