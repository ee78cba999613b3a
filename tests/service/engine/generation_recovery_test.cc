// What a server does at its start with what it finds.
#include <filesystem>

#include "common/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/engine/generation_fixture.h"

namespace semblance::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using State = GenerationState;

class GenerationRecoveryTest : public ::testing::Test, public GenerationFixture {
 protected:
  // gen-000002 is active, gen-000001 before it; one item was written in each.
  void StartWithTwo() {
    ASSERT_OK(StartAll("model"));
    ASSERT_OK(Upsert({ItemOf("a", 1)}));
    ASSERT_OK(generations().Activate(BuildReady("other"), "", false));
    ASSERT_OK(Upsert({ItemOf("b", 2)}));
  }

  std::string FileOf(const std::string& id, const std::string& name) { return data_dir() + "/generations/" + id + "/" + name; }
};

TEST_F(GenerationRecoveryTest, FallsBackToTheGenerationBeforeWhenTheActiveOneIsBroken) {
  StartWithTwo();
  StopAll();
  ASSERT_TRUE(std::filesystem::remove(FileOf("gen-000002", "bundle/manifest.json")));
  ASSERT_OK(StartAll(""));
  EXPECT_EQ(engine().status().state, EngineState::kDegraded);
  EXPECT_THAT(engine().status().reason, HasSubstr("gen-000001 answers in place of gen-000002"));
  EXPECT_EQ(ActiveId(), "gen-000001");
  EXPECT_THAT(IdsFoundBy(2, 1), ElementsAre("b"));
  EXPECT_EQ(AwaitEnd("gen-000002").state, State::kFailed);
  // Another activation ends it.
  ASSERT_OK(generations().Activate(BuildReady("third"), "", false));
  EXPECT_EQ(engine().status().state, EngineState::kServing);
}

TEST_F(GenerationRecoveryTest, RefusesABuildWhoseFilesAreNotWhatTheBuilderWrote) {
  ASSERT_OK(StartAll("model"));
  ASSERT_OK(Upsert({ItemOf("a", 1)}));
  const auto created = generations().Create(SpecOf("other"));
  ASSERT_OK(created);
  const std::string id = created->manifest.id();
  bool flipped = false;
  const GenerationInfo info = AwaitState(id, {State::kReady, State::kFailed}, [&](const GenerationInfo& now) {
    if (now.state == State::kLoading && !std::exchange(flipped, true)) {
      for (const auto& file : std::filesystem::directory_iterator(FileOf(id, "index"))) {
        if (file.path().extension() == ".segment") {
          auto content = ReadFile(file.path().string());
          ASSERT_OK(content);
          content->back() = static_cast<char>(content->back() ^ 1);
          ASSERT_OK(WriteFileAtomically(file.path().string(), *content));
        }
      }
    }
  });
  EXPECT_EQ(info.state, State::kFailed);
  EXPECT_THAT(info.reason, HasSubstr("DIGEST_MISMATCH"));
  EXPECT_EQ(ActiveId(), "gen-000001");
}

TEST_F(GenerationRecoveryTest, ACancelledGenerationStaysCancelledAndARetiringOneGoes) {
  StartWithTwo();
  const std::string id = BuildReady("third");
  StopAll();
  auto store = GenerationStore::Open(data_dir());
  ASSERT_OK(store);
  storage::v1::GenerationRecord record;
  record.set_phase(storage::v1::GenerationRecord::PHASE_RETIRING);
  ASSERT_OK(store->WriteRecord(id, record));
  record.set_phase(storage::v1::GenerationRecord::PHASE_CANCELLED);
  ASSERT_OK(store->WriteRecord("gen-000001", record));
  ASSERT_OK(StartAll(""));
  EXPECT_THAT(generations().Get(id).status(), HasReason("GENERATION_NOT_FOUND"));
  EXPECT_EQ(generations().Get("gen-000001")->state, State::kCancelled);
  EXPECT_EQ(ActiveId(), "gen-000002");
}

// Who watches a generation over a restart must not be told that it is gone.
TEST_F(GenerationRecoveryTest, SaysThatItIsStartingUntilItKnowsWhatThereIs) {
  ASSERT_OK(Start("model"));
  GenerationLifecycle starting({}, &engine(), &launcher());
  EXPECT_THAT(starting.Get("gen-000001").status(), HasReason("NO_ACTIVE_GENERATION"));
  EXPECT_THAT(starting.List().status(), HasReason("NO_ACTIVE_GENERATION"));
  EXPECT_THAT(starting.AddObserver("gen-000001", [](const auto&) {}).status(), HasReason("NO_ACTIVE_GENERATION"));
}

TEST_F(GenerationRecoveryTest, CarriesOutACancellationThatWasAnswered) {
  StartWithTwo();
  const std::string id = BuildReady("third");
  StopAll();
  auto store = GenerationStore::Open(data_dir());
  ASSERT_OK(store);
  // It was BUILDING when the server crashed.
  storage::v1::GenerationRecord record;
  record.set_phase(storage::v1::GenerationRecord::PHASE_BUILDING);
  ASSERT_OK(store->WriteRecord(id, record));
  ASSERT_OK(store->RequestCancel(id));
  const int starts = launcher().starts;
  ASSERT_OK(StartAll(""));
  EXPECT_EQ(AwaitEnd(id).state, State::kCancelled);
  EXPECT_EQ(launcher().starts, starts);
}

TEST_F(GenerationRecoveryTest, ForgetsAPreviousGenerationThatIsGone) {
  StartWithTwo();
  EXPECT_EQ(generations().List()->previous, "gen-000001");
  ASSERT_OK(generations().Delete("gen-000001"));
  StopAll();
  ASSERT_OK(StartAll(""));
  EXPECT_EQ(generations().List()->previous, "");
  EXPECT_THAT(generations().Rollback("").status(), HasReason("NO_PREVIOUS_GENERATION"));
}

TEST_F(GenerationRecoveryTest, AGenerationThatWasReadyWithoutHavingBeenActiveIsReadyAgain) {
  ASSERT_OK(StartAll("model"));
  ASSERT_OK(Upsert({ItemOf("a", 1)}));
  const std::string id = BuildReady("other");
  StopAll();
  ASSERT_OK(StartAll(""));
  ASSERT_OK(Upsert({ItemOf("b", 2)}));
  EXPECT_EQ(AwaitEnd(id).state, State::kReady);
  ExpectEquals(id, {{"a", 1}, {"b", 2}});
}

}  // namespace
}  // namespace semblance::testing
