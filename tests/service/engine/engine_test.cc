#include "service/engine/engine.h"

#include <atomic>
#include <stop_token>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/engine/engine_fixture.h"

namespace semblance::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class EngineTest : public ::testing::Test, public EngineFixture {};

TEST_F(EngineTest, FindsAnItemByImageByVectorAndById) {
  ASSERT_OK(Start("model"));
  ASSERT_OK(Upsert({ItemOf("a", 1), ItemOf("b", 2), ItemOf("a again", 1)}));
  EXPECT_EQ(IdsFoundBy(2, 1), std::vector<std::string>({"b"}));

  const std::string space = engine().status().generation->manifest().embedding_space_id();
  const auto by_vector = Search(InputOf(service::VectorQuery{.values = VectorOf(2), .embedding_space_id = space}, 1));
  ASSERT_OK(by_vector);
  EXPECT_THAT(IdsOf(by_vector->results[0]), ElementsAre("b"));
  EXPECT_NEAR(by_vector->results[0][0].score, 1, 1e-5);
  EXPECT_EQ(by_vector->results[0][0].item->label, "picture 2");

  const auto by_item = Search(InputOf(service::ItemQuery{.id = "a"}, 1));
  ASSERT_OK(by_item);
  EXPECT_THAT(IdsOf(by_item->results[0]), ElementsAre("a again"));
}

TEST_F(EngineTest, ScalesQueryVectorsWhateverTheirLength) {
  ASSERT_OK(Start("model"));
  ASSERT_OK(Upsert({ItemOf("a", 1)}));
  const std::string space = engine().status().generation->manifest().embedding_space_id();
  for (const float scale : {1e-30F, 1.0F, 1e30F}) {
    std::vector<float> values = VectorOf(1);
    for (float& value : values) {
      value *= scale;
    }
    const auto answer = Search(InputOf(service::VectorQuery{.values = values, .embedding_space_id = space}, 1));
    ASSERT_OK(answer);
    EXPECT_NEAR(answer->results[0][0].score, 1, 1e-5) << scale;
  }
}

TEST_F(EngineTest, LeavesExcludedItemsOutAndStillReturnsTopK) {
  ASSERT_OK(Start("model"));
  ASSERT_OK(Upsert({ItemOf("a", 1), ItemOf("b", 2), ItemOf("c", 3), ItemOf("d", 4)}));
  service::SearchInput input = InputOf(service::ItemQuery{.id = "a"}, 2);
  input.exclude_item_ids = {"b", "not there"};
  const auto answer = Search(std::move(input));
  ASSERT_OK(answer);
  EXPECT_THAT(IdsOf(answer->results[0]), ::testing::UnorderedElementsAre("c", "d"));
}

TEST_F(EngineTest, AWriteIsVisibleOnceItIsAnswered) {
  ASSERT_OK(Start("model"));
  const auto written = Upsert({ItemOf("a", 1)});
  ASSERT_OK(written);
  EXPECT_THAT(written->sequences, ElementsAre(1));
  EXPECT_EQ(written->provenance.applied_sequence, 1u);
  service::SearchInput input = InputOf(service::ItemQuery{.id = "a"}, 1);
  input.min_sequence = 1;
  EXPECT_OK(Search(input));
  input.min_sequence = 2;
  EXPECT_THAT(Search(input), HasReason("SEQUENCE_NOT_APPLIED"));
}

TEST_F(EngineTest, AReplacedItemIsFoundByItsNewPictureOnly) {
  ASSERT_OK(Start("model"));
  ASSERT_OK(Upsert({ItemOf("a", 1), ItemOf("b", 2)}));
  ASSERT_OK(Upsert({ItemOf("a", 3)}));
  EXPECT_THAT(IdsFoundBy(3, 10), ElementsAre("a", "b"));
  EXPECT_EQ(engine().item_count(), 2);
}

TEST_F(EngineTest, ADeletedItemIsGoneAndItsIdIsReportedMissingAfterwards) {
  ASSERT_OK(Start("model"));
  ASSERT_OK(Upsert({ItemOf("a", 1), ItemOf("b", 2)}));
  const auto deleted = Delete({"a", "c"});
  ASSERT_OK(deleted);
  EXPECT_EQ(deleted->deleted_count, 1);
  EXPECT_THAT(deleted->missing_ids, ElementsAre("c"));
  EXPECT_THAT(IdsFoundBy(1, 10), ElementsAre("b"));
  EXPECT_THAT(Search(InputOf(service::ItemQuery{.id = "a"}, 1)), HasReason("ITEM_NOT_FOUND"));
  const auto again = Delete({"a"});
  ASSERT_OK(again);
  EXPECT_EQ(again->deleted_count, 0);
}

TEST_F(EngineTest, OneBadImageStoresNothing) {
  ASSERT_OK(Start("model"));
  catalog::ItemWrite bad = ItemOf("b", 2);
  bad.image.resize(bad.image.size() / 2);
  const auto result = Upsert({ItemOf("a", 1), bad});
  EXPECT_THAT(result, HasReason("IMAGE_DECODE_FAILED"));
  EXPECT_THAT(result, HasField("items[1].image"));
  EXPECT_EQ(engine().item_count(), 0);
  EXPECT_THAT(IdsFoundBy(1, 10), IsEmpty());
}

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

TEST_F(EngineTest, DropsWorkWhoseClientHasGoneOrWhoseTimeIsOver) {
  ASSERT_OK(Start("model"));
  service::CallContext late = Now();
  late.deadline = absl::Now() - absl::Seconds(1);
  EXPECT_THAT(Search(InputOf(service::ItemQuery{.id = "a"}, 1), late), StatusIs(absl::StatusCode::kDeadlineExceeded));
  service::CallContext gone = Now();
  std::stop_source gone_client;
  gone_client.request_stop();
  gone.cancelled = gone_client.get_token();
  EXPECT_THAT(Search(InputOf(service::ItemQuery{.id = "a"}, 1), gone), StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(EngineTest, RefusesWhatDoesNotFitTheQueueAndAnswersTheRest) {
  config().mutable_batching()->set_max_queued_images(1);
  config().set_worker_threads(1);  // So that requests reach the batcher in their order.
  ASSERT_OK(Start("model"));
  embedder().CloseGate();
  const std::string image = PictureOf(1);
  const auto embed = [&](std::promise<absl::StatusOr<service::EmbedAnswer>>& answer) {
    engine().EmbedImages({image}, Now(),
                         [&answer](absl::StatusOr<service::EmbedAnswer> result) { answer.set_value(std::move(result)); });
  };
  std::promise<absl::StatusOr<service::EmbedAnswer>> running, waiting, refused;
  embed(running);
  embedder().AwaitCallAtGate();
  embed(waiting);
  embed(refused);
  const auto result = refused.get_future().get();
  EXPECT_THAT(result, HasReason("QUEUE_FULL"));
  EXPECT_TRUE(RetryDelay(result.status()).has_value());
  embedder().OpenGate();
  EXPECT_OK(running.get_future().get());
  EXPECT_OK(waiting.get_future().get());
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
  EXPECT_EQ(engine().status().generation->embedded_at_load_count(), 1);  // "c" was written under the other one.
  EXPECT_THAT(IdsFoundBy(3, 10), ElementsAre("c", "b"));
}

TEST_F(EngineTest, ListsEveryItemOnceAPageAtATime) {
  ASSERT_OK(Start("model"));
  for (uint32_t i = 0; i < 7; ++i) {
    ASSERT_OK(Upsert({ItemOf(absl::StrCat("item", i), i)}));
  }
  std::vector<std::string> ids;
  std::string token;
  do {
    const auto page = Await<service::ItemPage>([&](auto done) { engine().List(3, token, Now(), done); });
    ASSERT_OK(page);
    EXPECT_LE(page->items.size(), 3u);
    for (const catalog::CatalogItem& item : page->items) {
      ids.push_back(item.id);
    }
    token = page->next_page_token;
  } while (!token.empty());
  EXPECT_THAT(ids, ElementsAre("item0", "item1", "item2", "item3", "item4", "item5", "item6"));
}

TEST_F(EngineTest, ABatchIsAnsweredAtOneSequence) {
  ASSERT_OK(Start("model"));
  ASSERT_OK(Upsert({ItemOf("a", 1), ItemOf("b", 2)}));
  service::SearchInput input = InputOf(service::ItemQuery{.id = "a"}, 1);
  const std::string image = PictureOf(2);
  input.queries.emplace_back(service::ImageQuery{.bytes = image});
  input.query_fields.emplace_back("queries[1]");
  const auto answer = Search(std::move(input));
  ASSERT_OK(answer);
  ASSERT_EQ(answer->results.size(), 2u);
  EXPECT_THAT(IdsOf(answer->results[0]), ElementsAre("b"));
  EXPECT_THAT(IdsOf(answer->results[1]), ElementsAre("b"));
  EXPECT_EQ(answer->provenance.applied_sequence, 2u);
}

TEST_F(EngineTest, ProbesTheRecallOfAnswers) {
  config().mutable_recall_probe()->set_one_in(2);
  ASSERT_OK(Start("model"));
  ASSERT_OK(Upsert({ItemOf("a", 1), ItemOf("b", 2), ItemOf("c", 3)}));
  EXPECT_THAT(IdsFoundBy(1, 2), ElementsAre("a", ::testing::_));
  EXPECT_EQ(engine().recall().recall, std::nullopt);
  // With items that are left out of the answer, though not of the index's.
  service::SearchInput input = InputOf(service::ItemQuery{.id = "a"}, 2);
  input.exclude_item_ids = {"b"};
  ASSERT_OK(Search(std::move(input)));
  metrics().AwaitRecalls(1);
  EXPECT_EQ(engine().recall().probes, 1);
  EXPECT_EQ(engine().recall().recall, 1);
}

TEST_F(EngineTest, ProbesNothingWhenTheProbeIsOff) {
  config().mutable_recall_probe()->set_one_in(0);
  ASSERT_OK(Start("model"));
  ASSERT_OK(Upsert({ItemOf("a", 1)}));
  for (int i = 0; i < 200; ++i) {
    IdsFoundBy(1, 1);
  }
  EXPECT_EQ(engine().recall().probes, 0);
}

// A writer replaces one item over and over while searches run: every answer has it exactly once.
TEST_F(EngineTest, AnItemUnderReplacementIsNeverMissingAndNeverTwice) {
  ASSERT_OK(Start("model"));
  ASSERT_OK(Upsert({ItemOf("a", 0), ItemOf("b", 1)}));
  std::atomic<bool> stop = false;
  std::atomic<int> searches = 0;
  std::thread searcher([&] {
    while (!stop) {
      EXPECT_THAT(IdsFoundBy(0, 10), ::testing::UnorderedElementsAre("a", "b"));
      ++searches;
    }
  });
  for (uint32_t i = 0; i < 200 || searches < 50; ++i) {
    ASSERT_OK(Upsert({ItemOf("a", i % 5)}));
  }
  stop = true;
  searcher.join();
}

}  // namespace
}  // namespace semblance::testing
