#include "service/training/training_states.h"

#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace semblance::service {
namespace {

using storage::v1::JobRecord;

const std::vector<TrainingState> kAll = {TrainingState::kQueued,    TrainingState::kRunning, TrainingState::kPublishing,
                                         TrainingState::kSucceeded, TrainingState::kFailed,  TrainingState::kCancelling,
                                         TrainingState::kCancelled};

// The drawing of docs/jobs.md, and the two states that a job enters again.
const std::set<std::string> kDrawn = {
    "queued running",       "queued publishing",     "queued failed",        "queued cancelling",
    "queued cancelled",     "running running",       "running publishing",   "running failed",
    "running cancelling",   "publishing publishing", "publishing failed",    "publishing cancelling",
    "publishing succeeded", "failed queued",         "cancelling cancelled", "cancelled queued",
};

TEST(TrainingTransitionsTest, AllowExactlyWhatIsDrawn) {
  for (const TrainingState from : kAll) {
    for (const TrainingState to : kAll) {
      const std::string change = absl::StrCat(TrainingStateName(from), " ", TrainingStateName(to));
      EXPECT_EQ(IsAllowed(kTrainingTransitions, from, to), kDrawn.count(change) > 0) << change;
    }
  }
}

TEST(TrainingTransitionsTest, AJobThatWasCancelledEndsInNoOtherWay) {
  for (const TrainingState to : kAll) {
    EXPECT_EQ(IsAllowed(kTrainingTransitions, TrainingState::kCancelling, to), to == TrainingState::kCancelled);
  }
}

TEST(TrainingStatesTest, AJobThatHasEndedChangesOnlyByBeingResumed) {
  for (const TrainingState from : kAll) {
    for (const TrainingState to : kAll) {
      if (HasEnded(from) && IsAllowed(kTrainingTransitions, from, to)) {
        EXPECT_EQ(to, TrainingState::kQueued);
      }
    }
  }
}

TEST(TrainingStatesTest, EveryStateIsReadBackFromItsPhase) {
  std::set<JobRecord::Phase> phases;
  for (const TrainingState state : kAll) {
    EXPECT_EQ(TrainingStateOf(PhaseOf(state)), state);
    phases.insert(PhaseOf(state));
  }
  EXPECT_EQ(phases.size(), kAll.size());
  EXPECT_EQ(TrainingStateOf(JobRecord::PHASE_UNSPECIFIED), TrainingState::kQueued);
}

TEST(TrainingStatesTest, EveryStateHasANameOfItsOwn) {
  std::set<std::string> names;
  for (const TrainingState state : kAll) {
    names.insert(std::string(TrainingStateName(state)));
  }
  EXPECT_EQ(names.size(), kAll.size());
}

}  // namespace
}  // namespace semblance::service
