#include "service/generations/generation_activation.h"

#include <future>
#include <thread>

#include "common/file.h"
#include "gmock/gmock.h"
#include "tests/service/generations/generation_items_fixture.h"

namespace semblance::testing {
namespace {

using ::testing::ElementsAre;

using State = service::GenerationState;

class GenerationActivationTest : public GenerationItemsFixture {};

TEST_F(GenerationActivationTest, AStandbySeesWhatWasWrittenAfterTheActivationAndRollbackIsComplete) {
  StartWithItems();
  const std::string id = BuildReady("other");
  Put("between", 100);
  ASSERT_OK(generations().Activate(id, "", false));
  Put("after", 101);
  Put("3", 102);
  Remove("4");
  const auto back = generations().Rollback(id);
  ASSERT_OK(back);
  EXPECT_EQ(ActiveId(), "gen-000001");
  ExpectEquals("gen-000001", model_);
  ExpectEquals(id, model_);
  EXPECT_THAT(IdsFoundBy(102, 1), ElementsAre("3"));
  // The second rollback activates the newer generation again.
  Remove("after");
  ASSERT_OK(generations().Rollback(""));
  EXPECT_EQ(ActiveId(), id);
  ExpectEquals(id, model_);
}

TEST_F(GenerationActivationTest, RefusesAnActivationThatExpectsAnotherActiveGeneration) {
  StartWithItems();
  const std::string id = BuildReady("other");
  const auto refused = generations().Activate(id, "gen-000009", false);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kAborted);
  EXPECT_THAT(refused.status(), HasReason("ACTIVE_CONFLICT"));
  EXPECT_OK(generations().Activate(id, "gen-000001", /*validate_only=*/true));
  EXPECT_EQ(ActiveId(), "gen-000001");
}

TEST_F(GenerationActivationTest, OfTwoActivationsAtOnceOneIsAborted) {
  StartWithItems();
  const std::string id = BuildReady("other");
  // The first activation waits in the gate for this commit.
  std::promise<void> in_gate;
  engine().live().gate().Enter([&] { in_gate.set_value(); });
  absl::StatusOr<service::ActivationResult> first = absl::UnknownError("");
  std::thread thread([&] {
    do {
      first = generations().Activate(id, "", false);
    } while (absl::IsAborted(first.status()));  // The loop below was before it.
  });
  absl::StatusOr<service::ActivationResult> second = generations().Activate(id, "", true);
  while (second.ok()) {
    second = generations().Activate(id, "", true);
  }
  EXPECT_THAT(second.status(), HasReason("ACTIVE_CONFLICT"));
  engine().live().gate().Leave();
  thread.join();
  EXPECT_OK(first);
  EXPECT_EQ(ActiveId(), id);
}

TEST_F(GenerationActivationTest, AWriteEmbeddedForTheOldGenerationIsEmbeddedAgainForTheNewOne) {
  StartWithItems();
  const std::string id = BuildReady("other");
  embedder().OpenGate();
  // The network of the old generation holds the upsert while the generations are swapped.
  auto& old_embedder = static_cast<const BundledFakeEmbedder&>(engine().live().active()->embedder());
  const_cast<BundledFakeEmbedder&>(old_embedder).CloseGate();
  std::promise<absl::StatusOr<service::WriteAnswer>> answer;
  engine().Upsert({ItemOf("late", 200)}, Now(),
                  [&](absl::StatusOr<service::WriteAnswer> write) { answer.set_value(std::move(write)); });
  old_embedder.AwaitCallAtGate();
  ASSERT_OK(generations().Activate(id, "", false));
  const_cast<BundledFakeEmbedder&>(old_embedder).OpenGate();
  const auto written = answer.get_future().get();
  ASSERT_OK(written);
  EXPECT_EQ(written->provenance.generation, id);
  model_["late"] = 200;
  ExpectEquals(id, model_);
  ExpectEquals("gen-000001", model_);
}

TEST_F(GenerationActivationTest, RetiresOlderStandbysAndRemovesTheirFiles) {
  StartWithItems();
  ASSERT_OK(generations().Activate(BuildReady("other"), "", false));
  ASSERT_OK(generations().Activate(BuildReady("third"), "", false));
  AwaitGone("gen-000001");
  EXPECT_FALSE(PathExists(data_dir() + "/generations/gen-000001"));
  EXPECT_EQ(generations().List()->previous, "gen-000002");
  EXPECT_EQ(generations().List()->active, "gen-000003");
  ExpectEquals("gen-000002", model_);
}

TEST_F(GenerationActivationTest, ActivatesByItselfWhereThePolicySaysSo) {
  StartWithItems();
  service::GenerationSpec spec = SpecOf("other");
  spec.policy = service::ActivationPolicy::kAlways;
  const auto created = generations().Create(spec);
  ASSERT_OK(created);
  EXPECT_EQ(AwaitState(created->manifest.id(), {State::kActive, State::kFailed}).state, State::kActive);
  EXPECT_EQ(ActiveId(), created->manifest.id());
}

TEST_F(GenerationActivationTest, ServesTheFirstGenerationOfAServerThatHadNone) {
  ASSERT_OK(StartAll(""));
  EXPECT_EQ(engine().status().state, service::EngineState::kNoModel);
  ASSERT_OK(generations().Activate(BuildReady("model"), "", false));
  EXPECT_EQ(engine().status().state, service::EngineState::kServing);
  Put("first", 1);
  EXPECT_THAT(IdsFoundBy(1, 1), ElementsAre("first"));
  EXPECT_THAT(generations().Rollback("").status(), HasReason("NO_PREVIOUS_GENERATION"));
}

TEST_F(GenerationActivationTest, APolicyThatDoesNotActivateSaysWhy) {
  StartWithItems();
  service::GenerationSpec spec = SpecOf("other");
  spec.policy = service::ActivationPolicy::kIfBetter;
  const auto created = generations().Create(spec);
  ASSERT_OK(created);
  const std::string id = created->manifest.id();
  // Every picture has a label of its own, so that nothing can be measured.
  AwaitReason(id, "not activated: the catalog has 0 items");
  EXPECT_EQ(generations().Get(id)->state, State::kReady);
  EXPECT_EQ(ActiveId(), "gen-000001");
}

TEST_F(GenerationActivationTest, RefusesAGenerationThatIsNotReadyOrNotThere) {
  StartWithItems();
  EXPECT_THAT(generations().Activate("gen-000009", "", false).status(), HasReason("GENERATION_NOT_FOUND"));
  launcher().failures = {kExitBadInput};
  const auto created = generations().Create(SpecOf("other"));
  ASSERT_OK(created);
  AwaitEnd(created->manifest.id());
  EXPECT_THAT(generations().Activate(created->manifest.id(), "", false).status(), HasReason("GENERATION_NOT_READY"));
}

TEST_F(GenerationActivationTest, ActivatingTheActiveGenerationIsNoError) {
  StartWithItems();
  const auto again = generations().Activate("gen-000001", "", false);
  ASSERT_OK(again);
  EXPECT_EQ(again->write_pause, absl::ZeroDuration());
  EXPECT_EQ(generations().List()->previous, "");
}

TEST_F(GenerationActivationTest, NothingElseRunsBesideAnActivation) {
  ASSERT_OK(Start("model"));
  service::RollbackTarget target;
  service::GenerationTable table([](service::GenerationInfo&) {}, &clock());
  service::GenerationRetirement retirement(&engine(), &table, &target, &clock());
  service::GenerationActivation activation(&engine(), &table, &retirement, &target, nullptr);
  ASSERT_OK(activation.RunWithoutActivation([&] {
    EXPECT_THAT(activation.Activate("gen-000001", "", false), HasReason("ACTIVE_CONFLICT"));
    EXPECT_THAT(activation.RunWithoutActivation([] { return absl::OkStatus(); }), HasReason("ACTIVE_CONFLICT"));
    return absl::OkStatus();
  }));
  EXPECT_EQ(activation.RunWithoutActivation([] { return absl::DataLossError("x"); }), absl::DataLossError("x"));
  EXPECT_OK(activation.RunWithoutActivation([] { return absl::OkStatus(); }));
  EXPECT_THAT(activation.Rollback(""), HasReason("NO_PREVIOUS_GENERATION"));
}

TEST(IsToBeActivatedTest, OnlyRightAfterAMeasurementAndByAPolicy) {
  service::GenerationInfo info;
  service::SetPolicy(service::ActivationPolicy::kAlways, info.manifest);
  EXPECT_FALSE(service::IsToBeActivated(info)) << "it was not measured since the restart";
  info.evaluation.emplace();
  EXPECT_TRUE(service::IsToBeActivated(info));
  service::SetPolicy(service::ActivationPolicy::kIfBetter, info.manifest);
  EXPECT_TRUE(service::IsToBeActivated(info));
  service::SetPolicy(service::ActivationPolicy::kManual, info.manifest);
  EXPECT_FALSE(service::IsToBeActivated(info));
}

}  // namespace
}  // namespace semblance::testing
