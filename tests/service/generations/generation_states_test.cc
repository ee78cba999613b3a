#include "service/generations/generation_states.h"

#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace semblance::service {
namespace {

using State = GenerationState;

const std::vector<State> kBuilding = {State::kCreating, State::kEmbedding,  State::kIndexing,
                                      State::kLoading,  State::kCatchingUp, State::kWarming};
const std::vector<State> kOthers = {State::kReady,    State::kActive, State::kStandby,
                                    State::kRetiring, State::kFailed, State::kCancelled};

std::vector<State> All() {
  std::vector<State> all = kBuilding;
  all.insert(all.end(), kOthers.begin(), kOthers.end());
  return all;
}

// The drawing of docs/generations.md, without the ways to FAILED and CANCELLED.
const std::set<std::string> kDrawn = {
    "creating embedding",  "embedding indexing",  "embedding loading", "indexing loading",
    "loading catching_up", "catching_up warming", "catching_up ready", "catching_up standby",
    "warming ready",       "ready active",        "standby active",    "active standby",
    "ready retiring",      "standby retiring",    "failed retiring",   "cancelled retiring",
};

bool IsExpected(State from, State to) {
  if (to == State::kFailed) {
    return IsBuilding(from) || IsLive(from);
  }
  if (to == State::kCancelled) {
    return IsBuilding(from);
  }
  return kDrawn.count(absl::StrCat(GenerationStateName(from), " ", GenerationStateName(to))) > 0;
}

TEST(GenerationTransitionsTest, AllowExactlyWhatIsDrawn) {
  for (const State from : All()) {
    for (const State to : All()) {
      EXPECT_EQ(IsAllowed(kGenerationTransitions, from, to), IsExpected(from, to))
          << GenerationStateName(from) << " to " << GenerationStateName(to);
    }
  }
}

TEST(GenerationTransitionsTest, AGenerationThatRetiresStaysRetired) {
  for (const State to : All()) {
    EXPECT_FALSE(IsAllowed(kGenerationTransitions, State::kRetiring, to)) << GenerationStateName(to);
  }
}

TEST(GenerationTransitionsTest, TheActiveGenerationCannotBeDeletedOrCancelled) {
  EXPECT_FALSE(IsAllowed(kGenerationTransitions, State::kActive, State::kRetiring));
  EXPECT_FALSE(IsAllowed(kGenerationTransitions, State::kActive, State::kCancelled));
}

TEST(GenerationTransitionsTest, OnlyALoadedGenerationBecomesActive) {
  for (const State from : All()) {
    EXPECT_EQ(IsAllowed(kGenerationTransitions, from, State::kActive), from == State::kReady || from == State::kStandby);
  }
}

}  // namespace
}  // namespace semblance::service
