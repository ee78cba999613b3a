#include "service/generations/generation_lifecycle.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <thread>

#include "common/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/generations/generation_fixture.h"

namespace semblance::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using State = service::GenerationState;

class GenerationLifecycleTest : public ::testing::Test, public GenerationFixture {
 protected:
  // An engine with items "0" to "19", each with its own picture.
  void StartWithItems() {
    ASSERT_OK(StartAll("model"));
    std::vector<catalog::ItemWrite> items;
    for (uint32_t i = 0; i < 20; ++i) {
      items.push_back(ItemOf(absl::StrCat(i), i));
      model_[absl::StrCat(i)] = i;
    }
    ASSERT_OK(Upsert(std::move(items)));
  }

  void Put(const std::string& id, uint32_t picture) {
    ASSERT_OK(Upsert({ItemOf(id, picture)}));
    model_[id] = picture;
  }

  void Remove(const std::string& id) {
    ASSERT_OK(Delete({id}));
    model_.erase(id);
  }

  std::map<std::string, uint32_t> model_;
};

TEST_F(GenerationLifecycleTest, BuildsBesideTheActiveOneAndActivatesWithoutLosingAnything) {
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

TEST_F(GenerationLifecycleTest, AStandbySeesWhatWasWrittenAfterTheActivationAndRollbackIsComplete) {
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
  // And again forth.
  Remove("after");
  ASSERT_OK(generations().Rollback(""));
  EXPECT_EQ(ActiveId(), id);
  ExpectEquals(id, model_);
}

TEST_F(GenerationLifecycleTest, RefusesAnActivationThatExpectsAnotherActiveGeneration) {
  StartWithItems();
  const std::string id = BuildReady("other");
  const auto refused = generations().Activate(id, "gen-000009", false);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kAborted);
  EXPECT_THAT(refused.status(), HasReason("ACTIVE_CONFLICT"));
  EXPECT_OK(generations().Activate(id, "gen-000001", /*validate_only=*/true));
  EXPECT_EQ(ActiveId(), "gen-000001");
}

TEST_F(GenerationLifecycleTest, OfTwoActivationsAtOnceOneIsAborted) {
  StartWithItems();
  const std::string id = BuildReady("other");
  // The first one waits in the gate for this commit.
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

TEST_F(GenerationLifecycleTest, AWriteEmbeddedForTheOldGenerationIsEmbeddedAgainForTheNewOne) {
  StartWithItems();
  const std::string id = BuildReady("other");
  embedder().OpenGate();
  // The upsert stands inside the old generation's network while the generations change places.
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

TEST_F(GenerationLifecycleTest, RetiresOlderStandbysAndRemovesTheirFiles) {
  StartWithItems();
  ASSERT_OK(generations().Activate(BuildReady("other"), "", false));
  ASSERT_OK(generations().Activate(BuildReady("third"), "", false));
  while (generations().Get("gen-000001").ok()) {
    std::this_thread::yield();
  }
  EXPECT_FALSE(PathExists(data_dir() + "/generations/gen-000001"));
  EXPECT_EQ(generations().List()->previous, "gen-000002");
  EXPECT_EQ(generations().List()->active, "gen-000003");
  ExpectEquals("gen-000002", model_);
}

TEST_F(GenerationLifecycleTest, DeletesAReadyGenerationButNeverTheActiveOne) {
  StartWithItems();
  const std::string id = BuildReady("other");
  EXPECT_THAT(generations().Delete("gen-000001"), HasReason("GENERATION_ACTIVE"));
  EXPECT_OK(generations().Delete(id));
  while (generations().Get(id).ok()) {
    std::this_thread::yield();
  }
  EXPECT_THAT(generations().Delete(id), HasReason("GENERATION_NOT_FOUND"));
  // Its id is not given out again.
  EXPECT_EQ(BuildReady("other"), "gen-000003");
}

TEST_F(GenerationLifecycleTest, ARepeatedRequestIsAnsweredWithTheSameGeneration) {
  StartWithItems();
  service::GenerationSpec spec = SpecOf("other");
  spec.request_id = "once";
  const auto first = generations().Create(spec);
  ASSERT_OK(first);
  const auto again = generations().Create(spec);
  ASSERT_OK(again);
  EXPECT_EQ(again->manifest.id(), first->manifest.id());
  spec.bundle_dir = ModelDir("third");
  EXPECT_THAT(generations().Create(spec).status(), HasReason("REQUEST_ID_REUSED"));
  spec.request_id = "twice";
  EXPECT_THAT(generations().Create(spec).status(), HasReason("BUILD_RUNNING"));
  AwaitEnd(first->manifest.id());
}

TEST_F(GenerationLifecycleTest, RefusesWhatWouldNotFitIntoMemory) {
  config().mutable_generations()->set_memory_budget_mib(1);
  ASSERT_OK(StartAll("model"));
  std::vector<catalog::ItemWrite> items;
  for (uint32_t i = 0; i < 250; ++i) {
    items.push_back(ItemOf(absl::StrCat(i), i % 10));
  }
  ASSERT_OK(Upsert(items));
  for (int batch = 1; batch < 10; ++batch) {
    for (size_t i = 0; i < items.size(); ++i) {
      items[i].id = absl::StrCat(batch, "-", i);
    }
    ASSERT_OK(Upsert(items));
  }
  EXPECT_THAT(generations().Create(SpecOf("other")).status(), HasReason("INSUFFICIENT_MEMORY"));
}

TEST_F(GenerationLifecycleTest, RefusesAnIndexThatDoesNotFitTheModel) {
  StartWithItems();
  service::GenerationSpec spec = SpecOf("other");
  for (const char* const factory : {"LSH", "IVF16,PQ4,RFlat", "IVF16,PQ12,RFlat"}) {
    spec.index_factory = factory;
    const absl::Status refused = generations().Create(spec).status();
    EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument) << factory;
    EXPECT_THAT(refused, HasReason("CONFIG_INVALID"));
    EXPECT_THAT(refused, HasField("index_factory"));
  }
  // Nothing is left of them, and they are in nobody's way.
  EXPECT_EQ(generations().List()->generations.size(), 1u);
  spec.index_factory = "IVF16,PQ3,RFlat";
  const auto created = generations().Create(spec);
  ASSERT_OK(created);
  EXPECT_EQ(created->manifest.id(), "gen-000002");
  EXPECT_EQ(AwaitEnd("gen-000002").state, State::kReady);
}

TEST_F(GenerationLifecycleTest, AGateThatFailsNamesItsNumbersAndLeavesTheActiveOneAlone) {
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

TEST_F(GenerationLifecycleTest, ABuilderThatFailsForGoodFailsTheGeneration) {
  StartWithItems();
  launcher().failures = {kExitBadInput};
  const auto created = generations().Create(SpecOf("other"));
  ASSERT_OK(created);
  const service::GenerationInfo failed = AwaitEnd(created->manifest.id());
  EXPECT_EQ(failed.state, State::kFailed);
  EXPECT_THAT(failed.reason, HasSubstr("semblance-builder ended with 42"));
  EXPECT_EQ(launcher().starts, 1);
}

TEST_F(GenerationLifecycleTest, ABuilderThatIsKilledIsStartedAgain) {
  StartWithItems();
  launcher().failures = {128 + 9};
  const std::string id = BuildReady("other");
  EXPECT_EQ(launcher().starts, 2);
  ExpectEquals(id, model_);
}

TEST_F(GenerationLifecycleTest, ActivatesByItselfWhereThePolicySaysSo) {
  StartWithItems();
  service::GenerationSpec spec = SpecOf("other");
  spec.policy = service::ActivationPolicy::kAlways;
  const auto created = generations().Create(spec);
  ASSERT_OK(created);
  EXPECT_EQ(AwaitState(created->manifest.id(), {State::kActive, State::kFailed}).state, State::kActive);
  EXPECT_EQ(ActiveId(), created->manifest.id());
}

// The last moment at which one counts: the gates are passed, and READY has not been said.
TEST_F(GenerationLifecycleTest, ACancellationThatWasAcceptedJustBeforeReadyIsCarriedOut) {
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
        // The building thread has told of what it measured, and waits here until the cancellation is accepted.
        cancelled = std::async(std::launch::async, [&] { return generations().Cancel(id); });
        while (!PathExists(directory + "/cancel") && cancelled.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
          std::this_thread::yield();
        }
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

TEST_F(GenerationLifecycleTest, ServesTheFirstGenerationOfAServerThatHadNone) {
  ASSERT_OK(StartAll(""));
  EXPECT_EQ(engine().status().state, service::EngineState::kNoModel);
  ASSERT_OK(generations().Activate(BuildReady("model"), "", false));
  EXPECT_EQ(engine().status().state, service::EngineState::kServing);
  Put("first", 1);
  EXPECT_THAT(IdsFoundBy(1, 1), ElementsAre("first"));
  EXPECT_THAT(generations().Rollback("").status(), HasReason("NO_PREVIOUS_GENERATION"));
}

TEST_F(GenerationLifecycleTest, AnItemThatTheNewModelCannotEmbedFailsThatGenerationAlone) {
  StartWithItems();
  const std::string id = BuildReady("other");
  auto& follower = const_cast<BundledFakeEmbedder&>(static_cast<const BundledFakeEmbedder&>(engine().live().Find(id)->embedder()));
  follower.FailWith(absl::InternalError("a NaN came out"));
  Put("poison", 400);
  const service::GenerationInfo failed = AwaitState(id, {State::kFailed});
  EXPECT_THAT(failed.reason, HasSubstr("a NaN came out"));
  Put("after", 401);
  ExpectEquals("gen-000001", model_);
}

TEST_F(GenerationLifecycleTest, MeasuresALoadedGenerationAnew) {
  StartWithItems();
  const std::string id = BuildReady("other");
  Put("more", 500);
  const auto evaluation = generations().Evaluate(id);
  ASSERT_OK(evaluation);
  EXPECT_EQ(evaluation->item_count, 21);
  EXPECT_OK(generations().Evaluate("gen-000001"));
  EXPECT_THAT(generations().Evaluate("gen-000007").status(), HasReason("GENERATION_NOT_FOUND"));
}

}  // namespace
}  // namespace semblance::testing
