#include "service/generations/generation_lifecycle.h"

#include "gmock/gmock.h"
#include "tests/service/generations/generation_items_fixture.h"

namespace semblance::testing {
namespace {

using ::testing::HasSubstr;

using State = service::GenerationState;

class GenerationLifecycleTest : public GenerationItemsFixture {};

TEST_F(GenerationLifecycleTest, DeletesAReadyGenerationButNeverTheActiveOne) {
  StartWithItems();
  const std::string id = BuildReady("other");
  EXPECT_THAT(generations().Delete("gen-000001"), HasReason("GENERATION_ACTIVE"));
  EXPECT_OK(generations().Delete(id));
  AwaitGone(id);
  EXPECT_THAT(generations().Delete(id), HasReason("GENERATION_NOT_FOUND"));
  // The id of a deleted generation is not used again.
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
  // Nothing is left of the deleted generations, and they hinder no other.
  EXPECT_EQ(generations().List()->generations.size(), 1u);
  spec.index_factory = "IVF16,PQ3,RFlat";
  const auto created = generations().Create(spec);
  ASSERT_OK(created);
  EXPECT_EQ(created->manifest.id(), "gen-000002");
  EXPECT_EQ(AwaitEnd("gen-000002").state, State::kReady);
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
