#include "service/generations/generation_building.h"

#include <algorithm>
#include <future>
#include <stop_token>
#include <vector>

#include "common/file.h"
#include "gmock/gmock.h"
#include "tests/service/generations/generation_items_fixture.h"
#include "tests/testing/waits.h"

namespace semblance::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using State = service::GenerationState;

class GenerationBuildingTest : public GenerationItemsFixture {};

TEST_F(GenerationBuildingTest, BuildsBesideTheActiveOneAndActivatesWithoutLosingAnything) {
  StartWithItems();
  std::vector<State> states;
  const auto created = generations().Create(SpecOf("other"));
  ASSERT_OK(created);
  const service::GenerationInfo ready =
      AwaitState(created->manifest.id(), {State::kReady, State::kFailed}, [&](const service::GenerationInfo& info) {
        if (states.empty() || states.back() != info.state) {
          states.push_back(info.state);
        }
      });
  ASSERT_EQ(ready.state, State::kReady) << ready.reason;
  EXPECT_TRUE(std::is_sorted(states.begin(), states.end()));
  EXPECT_EQ(ActiveId(), "gen-000001");
  ASSERT_TRUE(ready.evaluation.has_value());
  EXPECT_EQ(ready.evaluation->item_count, 20);
  EXPECT_EQ(ready.evaluation->expected_item_count, 20);
  EXPECT_EQ(ready.evaluation->index_recall, 1);

  const auto activated = generations().Activate("gen-000002", "gen-000001", false);
  ASSERT_OK(activated);
  EXPECT_EQ(activated->previous, "gen-000001");
  EXPECT_EQ(activated->generation.state, State::kActive);
  EXPECT_EQ(ActiveId(), "gen-000002");
  EXPECT_EQ(generations().Get("gen-000001")->state, State::kStandby);
  ExpectEquals("gen-000002", model_);
  ExpectEquals("gen-000001", model_);
  EXPECT_THAT(IdsFoundBy(7, 1), ElementsAre("7"));
}

TEST_F(GenerationBuildingTest, AGateThatFailsNamesItsNumbersAndLeavesTheActiveOneAlone) {
  StartWithItems();
  WriteFakeModel(ModelDir("bad"), 4, kUnsoundModel);
  const auto created = generations().Create(SpecOf("bad"));
  ASSERT_OK(created);
  const service::GenerationInfo failed = AwaitEnd(created->manifest.id());
  EXPECT_EQ(failed.state, State::kFailed);
  EXPECT_THAT(failed.reason, HasSubstr("GENERATION_GATE_FAILED"));
  EXPECT_THAT(failed.reason, HasSubstr("vectors are not finite or not of unit length"));
  EXPECT_THAT(generations().Activate(created->manifest.id(), "", false).status(), HasReason("GENERATION_NOT_READY"));
  EXPECT_EQ(ActiveId(), "gen-000001");
  Put("after", 300);
  ExpectEquals("gen-000001", model_);
}

TEST_F(GenerationBuildingTest, ABuilderThatFailsForGoodFailsTheGeneration) {
  StartWithItems();
  launcher().failures = {kExitBadInput};
  const auto created = generations().Create(SpecOf("other"));
  ASSERT_OK(created);
  const service::GenerationInfo failed = AwaitEnd(created->manifest.id());
  EXPECT_EQ(failed.state, State::kFailed);
  EXPECT_THAT(failed.reason, HasSubstr("semblance-builder ended with 42"));
  EXPECT_EQ(launcher().starts, 1);
}

TEST_F(GenerationBuildingTest, ABuilderThatIsKilledIsStartedAgain) {
  StartWithItems();
  launcher().failures = {128 + 9};
  const std::string id = BuildReady("other");
  EXPECT_EQ(launcher().starts, 2);
  ExpectEquals(id, model_);
}

// This is the last moment at which a cancellation counts. The gates are passed, but the generation is not READY yet.
TEST_F(GenerationBuildingTest, ACancellationThatWasAcceptedJustBeforeReadyIsCarriedOut) {
  StartWithItems();
  const auto created = generations().Create(SpecOf("other"));
  ASSERT_OK(created);
  const std::string id = created->manifest.id();
  const std::string directory = data_dir() + "/generations/" + id;
  std::future<absl::StatusOr<service::GenerationInfo>> cancelled;
  const service::GenerationInfo info =
      AwaitState(id, {State::kReady, State::kFailed, State::kCancelled}, [&](const service::GenerationInfo& now) {
        if (now.state != State::kWarming || !now.evaluation.has_value() || cancelled.valid()) {
          return;
        }
        EXPECT_TRUE(now.evaluation->failures.empty());
        // The building thread has reported its measurements. It waits here until the cancellation is accepted.
        std::stop_source refused;
        cancelled = std::async(std::launch::async, [this, &id, refused]() mutable {
          auto answer = generations().Cancel(id);
          refused.request_stop();
          return answer;
        });
        AwaitInDirectory(directory, [&directory] { return PathExists(directory + "/cancel"); }, {.stop = refused.get_token()});
      });
  ASSERT_TRUE(cancelled.valid());
  EXPECT_OK(cancelled.get());
  EXPECT_EQ(info.state, State::kCancelled);
  EXPECT_EQ(engine().live().Find(id), nullptr);
  EXPECT_FALSE(PathExists(directory + "/index"));
  EXPECT_THAT(generations().Activate(id, "", false).status(), HasReason("GENERATION_NOT_READY"));
  EXPECT_EQ(ActiveId(), "gen-000001");
  ASSERT_OK(StartAll(""));
  EXPECT_EQ(generations().Get(id)->state, State::kCancelled);
}

}  // namespace
}  // namespace semblance::testing
