#include "service/live/generation_info.h"

#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace semblance::testing {
namespace {

using service::GenerationInfo;
using service::GenerationState;

const std::vector<GenerationState>& AllStates() {
  static const auto* const states = new std::vector<GenerationState>{
      GenerationState::kCreating,   GenerationState::kEmbedding, GenerationState::kIndexing, GenerationState::kLoading,
      GenerationState::kCatchingUp, GenerationState::kWarming,   GenerationState::kReady,    GenerationState::kActive,
      GenerationState::kStandby,    GenerationState::kRetiring,  GenerationState::kFailed,   GenerationState::kCancelled};
  return *states;
}

TEST(GenerationStateTest, EveryStateHasANameOfItsOwn) {
  std::set<std::string> names;
  for (const GenerationState state : AllStates()) {
    EXPECT_TRUE(names.insert(std::string(service::GenerationStateName(state))).second);
  }
  EXPECT_EQ(names.count(""), 0u);
  EXPECT_EQ(service::GenerationStateName(GenerationState::kCatchingUp), "catching_up");
}

TEST(GenerationStateTest, AGenerationIsBuildingLiveOrNeither) {
  std::set<std::string> building;
  std::set<std::string> live;
  for (const GenerationState state : AllStates()) {
    const std::string name(service::GenerationStateName(state));
    if (service::IsBuilding(state)) {
      building.insert(name);
    }
    if (service::IsLive(state)) {
      live.insert(name);
    }
  }
  EXPECT_EQ(building, std::set<std::string>({"creating", "embedding", "indexing", "loading", "catching_up", "warming"}));
  EXPECT_EQ(live, std::set<std::string>({"ready", "active", "standby"}));
}

TEST(GenerationStateTest, OnlyFinishedGenerationsAreAtRest) {
  for (const GenerationState state : AllStates()) {
    GenerationInfo info;
    info.state = state;
    const bool expected = service::IsLive(state) || state == GenerationState::kFailed || state == GenerationState::kCancelled;
    EXPECT_EQ(service::IsAtRest(info), expected) << service::GenerationStateName(state);
  }
}

TEST(GenerationErrorsTest, SayTheStateAndWhatToDo) {
  GenerationInfo info;
  info.manifest.set_id("gen-000002");
  info.state = GenerationState::kWarming;
  const absl::Status status = service::GenerationNotReady(info, "wait for it");
  EXPECT_THAT(status, HasReason("GENERATION_NOT_READY"));
  EXPECT_THAT(status, HasField("generation"));
  EXPECT_THAT(status, StatusMessage(::testing::HasSubstr("gen-000002 is warming: wait for it")));
  EXPECT_THAT(service::ActivationConflict("another one"), HasReason("ACTIVE_CONFLICT"));
}

}  // namespace
}  // namespace semblance::testing
