#include "service/engine/engine.h"

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/engine/engine_fixture.h"

namespace semblance::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class EngineTest : public ::testing::Test, public EngineFixture {};

TEST_F(EngineTest, WithoutAModelItRefusesAllButDeletesAndSaysWhatToDo) {
  ASSERT_OK(Start(""));
  EXPECT_EQ(engine().status().state, service::EngineState::kNoModel);
  const auto search = Search(InputOf(service::ItemQuery{.id = "a"}, 1));
  EXPECT_THAT(search, HasReason("NO_ACTIVE_GENERATION"));
  EXPECT_THAT(search, StatusMessage(::testing::HasSubstr("--model")));
  EXPECT_TRUE(RetryDelay(search.status()).has_value());
  EXPECT_THAT(Upsert({ItemOf("a", 1)}), HasReason("NO_ACTIVE_GENERATION"));
  EXPECT_OK(Delete({"a"}));
}

TEST_F(EngineTest, RefusesNewCallsWhileItDrains) {
  ASSERT_OK(Start("model"));
  engine().Drain();
  EXPECT_THAT(Search(InputOf(service::ItemQuery{.id = "a"}, 1)), HasReason("DRAINING"));
  EXPECT_THAT(Upsert({ItemOf("a", 1)}), HasReason("DRAINING"));
  EXPECT_THAT(Delete({"a"}), HasReason("DRAINING"));
}

TEST_F(EngineTest, ComesBackAfterARestartWithoutEmbeddingAgain) {
  ASSERT_OK(Start("model"));
  for (uint32_t i = 0; i < 50; ++i) {
    ASSERT_OK(Upsert({ItemOf(absl::StrCat("item", i), i)}));
  }
  ASSERT_OK(Delete({"item7"}));
  ASSERT_OK(Start(""));
  EXPECT_THAT(embedder().calls(), IsEmpty());
  EXPECT_EQ(engine().status().generation->embedded_at_load_count(), 0);
  EXPECT_THAT(IdsFoundBy(3, 1), ElementsAre("item3"));
  EXPECT_EQ(IdsFoundBy(7, 100).size(), 49u);
  EXPECT_EQ(engine().status().generation->index().applied_sequence(), 51u);
}

TEST_F(EngineTest, AnotherModelMakesAGenerationAndTheFirstIsTakenUpAgain) {
  WriteModel("other", 2);
  ASSERT_OK(Start("model"));
  ASSERT_OK(Upsert({ItemOf("a", 1), ItemOf("b", 2)}));
  ASSERT_OK(Start("other"));
  EXPECT_EQ(engine().status().generation->manifest().id(), "gen-000002");
  EXPECT_EQ(engine().status().generation->embedded_at_load_count(), 2);
  ASSERT_OK(Upsert({ItemOf("c", 3)}));
  ASSERT_OK(Delete({"a"}));
  ASSERT_OK(Start("model"));
  EXPECT_EQ(engine().status().generation->manifest().id(), "gen-000001");
  EXPECT_EQ(engine().status().generation->embedded_at_load_count(), 1);  // "c" was written while the other one was active.
  EXPECT_THAT(IdsFoundBy(3, 10), ElementsAre("c", "b"));
}

TEST_F(EngineTest, KnowsWhetherAnItemHasALabel) {
  ASSERT_OK(Start(""));
  EXPECT_FALSE(engine().has_labeled_items());
  ASSERT_OK(Start("model"));
  catalog::ItemWrite item = ItemOf("a", 1);
  item.label.reset();
  ASSERT_OK(Upsert({item}));
  EXPECT_FALSE(engine().has_labeled_items());
  ASSERT_OK(Upsert({ItemOf("b", 2)}));
  EXPECT_TRUE(engine().has_labeled_items());
}

// A request is answered before it releases its generation. That happens on the batcher's thread, which the generation joins when it
// is destroyed.
TEST_F(EngineTest, MayBeDestroyedAsSoonAsTheLastCallIsAnswered) {
  const std::string image = PictureOf(1);
  for (int round = 0; round < 20; ++round) {
    ASSERT_OK(Start("model"));
    std::promise<void> embedded;
    std::promise<void> found;
    engine().EmbedImages({image}, Now(), [&embedded](const absl::StatusOr<service::EmbedAnswer>&) { embedded.set_value(); });
    engine().Search(InputOf(service::ImageQuery{.bytes = image}, 1), Now(),
                    [&found](const absl::StatusOr<service::SearchAnswer>&) { found.set_value(); });
    embedded.get_future().wait();
    found.get_future().wait();
    Stop();
  }
}

}  // namespace
}  // namespace semblance::testing
