// Tests how a starting server treats the generations that it finds on the disk.
#include <filesystem>

#include "common/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/generations/generation_fixture.h"

namespace semblance::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using State = service::GenerationState;

class GenerationRecoveryTest : public ::testing::Test, public GenerationFixture {
 protected:
  // Makes gen-000002 active after gen-000001, and writes one item while each of them is active.
  void StartWithTwo() {
    ASSERT_OK(StartAll("model"));
    ASSERT_OK(Upsert({ItemOf("a", 1)}));
    ASSERT_OK(generations().Activate(BuildReady("other"), "", false));
    ASSERT_OK(Upsert({ItemOf("b", 2)}));
  }

  std::string FileOf(const std::string& id, const std::string& name) { return data_dir() + "/generations/" + id + "/" + name; }

  void Damage(const std::string& id, const std::string& name) {
    ASSERT_TRUE(PathExists(FileOf(id, name)));
    ASSERT_OK(WriteFileAtomically(FileOf(id, name), "{\"format_version\": "));
  }

  void ExpectGone(const std::string& id) {
    AwaitGone(id);
    EXPECT_FALSE(PathExists(FileOf(id, "")));
  }
};

class DamagedFileTest : public GenerationRecoveryTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(DamagedFileTest, OfOneGenerationStopsNoneOfTheOthers) {
  StartWithTwo();
  const std::string damaged = BuildReady("third");
  StopAll();
  Damage(damaged, GetParam());
  ASSERT_OK(StartAll(""));
  EXPECT_EQ(engine().status().state, service::EngineState::kServing);
  EXPECT_EQ(ActiveId(), "gen-000002");
  EXPECT_EQ(AwaitEnd("gen-000001").state, State::kStandby);
  const auto info = generations().Get(damaged);
  ASSERT_OK(info);
  EXPECT_EQ(info->state, State::kFailed);
  EXPECT_THAT(info->reason, HasSubstr(damaged + "/" + GetParam()));
  EXPECT_THAT(info->reason, HasSubstr("MANIFEST_INVALID"));
  // The damaged generation can only be deleted. The others work.
  EXPECT_THAT(generations().Activate(damaged, "", false).status(), HasReason("GENERATION_NOT_READY"));
  EXPECT_THAT(generations().Cancel(damaged).status(), HasReason("GENERATION_BUILT"));
  EXPECT_THAT(generations().Evaluate(damaged).status(), HasReason("GENERATION_NOT_READY"));
  ASSERT_OK(Upsert({ItemOf("c", 3)}));
  ASSERT_OK(generations().Rollback("gen-000002"));
  ExpectEquals("gen-000001", {{"a", 1}, {"b", 2}, {"c", 3}});
  ExpectEquals("gen-000002", {{"a", 1}, {"b", 2}, {"c", 3}});
  // The damaged generation is still there after another restart, and can be deleted.
  ASSERT_OK(StartAll(""));
  EXPECT_EQ(generations().Get(damaged)->state, State::kFailed);
  EXPECT_OK(generations().Delete(damaged));
  ExpectGone(damaged);
  ASSERT_OK(StartAll(""));
  EXPECT_THAT(generations().Get(damaged).status(), HasReason("GENERATION_NOT_FOUND"));
  EXPECT_EQ(AwaitEnd("gen-000002").state, State::kStandby);
  EXPECT_EQ(BuildReady("third"), "gen-000004");
}

TEST_P(DamagedFileTest, OfTheActiveGenerationMakesTheOneBeforeAnswer) {
  StartWithTwo();
  StopAll();
  Damage("gen-000002", GetParam());
  ASSERT_OK(StartAll(""));
  EXPECT_EQ(engine().status().state, service::EngineState::kDegraded);
  EXPECT_THAT(engine().status().reason, HasSubstr("gen-000001 answers in place of gen-000002"));
  EXPECT_THAT(engine().status().reason, HasSubstr(absl::StrCat("gen-000002/", GetParam())));
  EXPECT_EQ(ActiveId(), "gen-000001");
  ExpectEquals("gen-000001", {{"a", 1}, {"b", 2}});
  EXPECT_EQ(generations().Get("gen-000002")->state, State::kFailed);
  ASSERT_OK(generations().Activate(BuildReady("third"), "gen-000001", false));
  EXPECT_EQ(engine().status().state, service::EngineState::kServing);
  EXPECT_OK(generations().Delete("gen-000002"));
  ExpectGone("gen-000002");
}

TEST_P(DamagedFileTest, BringsTheGenerationBackWhenItIsRestored) {
  StartWithTwo();
  StopAll();
  const auto content = ReadFile(FileOf("gen-000002", GetParam()));
  ASSERT_OK(content);
  Damage("gen-000002", GetParam());
  ASSERT_OK(StartAll(""));
  EXPECT_EQ(engine().status().state, service::EngineState::kDegraded);
  ASSERT_OK(Upsert({ItemOf("c", 3)}));
  StopAll();
  ASSERT_OK(WriteFileAtomically(FileOf("gen-000002", GetParam()), *content));
  ASSERT_OK(StartAll(""));
  EXPECT_EQ(engine().status().state, service::EngineState::kServing);
  EXPECT_EQ(ActiveId(), "gen-000002");
  EXPECT_EQ(AwaitEnd("gen-000001").state, State::kStandby);
  ExpectEquals("gen-000001", {{"a", 1}, {"b", 2}, {"c", 3}});
  ExpectEquals("gen-000002", {{"a", 1}, {"b", 2}, {"c", 3}});
}

// A server that is started with --model looks for the generation of that model, and must not stop at a damaged one.
TEST_P(DamagedFileTest, IsNoObstacleToAnotherModel) {
  StartWithTwo();
  StopAll();
  Damage("gen-000001", GetParam());
  ASSERT_OK(StartAll("other"));
  EXPECT_EQ(ActiveId(), "gen-000002");
  EXPECT_EQ(generations().List()->previous, "");
  ASSERT_OK(StartAll("model"));
  EXPECT_EQ(ActiveId(), "gen-000003");
  ExpectEquals("gen-000003", {{"a", 1}, {"b", 2}});
}

INSTANTIATE_TEST_SUITE_P(Files, DamagedFileTest, ::testing::Values("manifest.json", "state.json"),
                         [](const auto& each) { return std::string(each.param).substr(0, std::string(each.param).find('.')); });

TEST_F(GenerationRecoveryTest, ADamagedBuildFailsThatGenerationAlone) {
  using storage::v1::GenerationRecord;
  StartWithTwo();
  // The server reads build.json when it takes the index over from the builder.
  for (const auto phase : {GenerationRecord::PHASE_BUILDING, GenerationRecord::PHASE_BUILT}) {
    const std::string id = BuildReady("third");
    StopAll();
    auto store = generation::GenerationStore::Open(data_dir());
    ASSERT_OK(store);
    GenerationRecord record;
    record.set_phase(phase);
    ASSERT_OK(store->WriteRecord(id, record));
    Damage(id, "build.json");
    const int starts = launcher().starts;
    ASSERT_OK(StartAll(""));
    EXPECT_EQ(ActiveId(), "gen-000002");
    const service::GenerationInfo info = AwaitEnd(id);
    EXPECT_EQ(info.state, State::kFailed);
    EXPECT_THAT(info.reason, HasSubstr(id + "/build.json"));
    EXPECT_EQ(launcher().starts, starts);
    EXPECT_EQ(AwaitEnd("gen-000001").state, State::kStandby);
    EXPECT_OK(generations().Delete(id));
    ExpectGone(id);
  }
}

// Once a generation has passed its gates, nothing reads its build.json.
TEST_F(GenerationRecoveryTest, ADamagedBuildOfAGenerationThatAnswersDoesNotMatter) {
  StartWithTwo();
  StopAll();
  Damage("gen-000002", "build.json");
  ASSERT_OK(StartAll(""));
  EXPECT_EQ(engine().status().state, service::EngineState::kServing);
  EXPECT_EQ(ActiveId(), "gen-000002");
}

TEST_F(GenerationRecoveryTest, FallsBackToTheGenerationBeforeWhenTheActiveOneIsBroken) {
  StartWithTwo();
  StopAll();
  ASSERT_TRUE(std::filesystem::remove(FileOf("gen-000002", "bundle/manifest.json")));
  ASSERT_OK(StartAll(""));
  EXPECT_EQ(engine().status().state, service::EngineState::kDegraded);
  EXPECT_THAT(engine().status().reason, HasSubstr("gen-000001 answers in place of gen-000002"));
  EXPECT_EQ(ActiveId(), "gen-000001");
  EXPECT_THAT(IdsFoundBy(2, 1), ElementsAre("b"));
  EXPECT_EQ(AwaitEnd("gen-000002").state, State::kFailed);
  // Another activation ends the degraded state.
  ASSERT_OK(generations().Activate(BuildReady("third"), "", false));
  EXPECT_EQ(engine().status().state, service::EngineState::kServing);
}

TEST_F(GenerationRecoveryTest, RefusesABuildWhoseFilesAreNotWhatTheBuilderWrote) {
  ASSERT_OK(StartAll("model"));
  ASSERT_OK(Upsert({ItemOf("a", 1)}));
  const auto created = generations().Create(SpecOf("other"));
  ASSERT_OK(created);
  const std::string id = created->manifest.id();
  bool flipped = false;
  const service::GenerationInfo info = AwaitState(id, {State::kReady, State::kFailed}, [&](const service::GenerationInfo& now) {
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
  auto store = generation::GenerationStore::Open(data_dir());
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

// A client that watches a generation across a restart must not hear that the generation is gone.
TEST_F(GenerationRecoveryTest, SaysThatItIsStartingUntilItKnowsWhatThereIs) {
  ASSERT_OK(Start("model"));
  service::GenerationLifecycle starting({}, &engine(), &launcher(), &clock());
  EXPECT_THAT(starting.Get("gen-000001").status(), HasReason("NO_ACTIVE_GENERATION"));
  EXPECT_THAT(starting.List().status(), HasReason("NO_ACTIVE_GENERATION"));
  EXPECT_THAT(starting.AddObserver("gen-000001", [](const auto&) {}).status(), HasReason("NO_ACTIVE_GENERATION"));
}

TEST_F(GenerationRecoveryTest, CarriesOutACancellationThatWasAnswered) {
  StartWithTwo();
  const std::string id = BuildReady("third");
  StopAll();
  auto store = generation::GenerationStore::Open(data_dir());
  ASSERT_OK(store);
  // The generation was BUILDING when the server crashed.
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
