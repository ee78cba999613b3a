#include "service/engine/search_path.h"

#include <atomic>
#include <numeric>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/engine/engine_fixture.h"
#include "tests/testing/fake_clock.h"

namespace semblance::testing {
namespace {

using ::testing::ElementsAre;

class SearchPathTest : public ::testing::Test, public EngineFixture {
 protected:
  float ScoreOf(uint32_t picture, uint32_t other) {
    const std::vector<float> a = VectorOf(picture);
    const std::vector<float> b = VectorOf(other);
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0F);
  }
};

TEST_F(SearchPathTest, FindsAnItemByImageByVectorAndById) {
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

TEST_F(SearchPathTest, ScalesQueryVectorsWhateverTheirLength) {
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

TEST_F(SearchPathTest, LeavesExcludedItemsOutAndStillReturnsTopK) {
  ASSERT_OK(Start("model"));
  ASSERT_OK(Upsert({ItemOf("a", 1), ItemOf("b", 2), ItemOf("c", 3), ItemOf("d", 4)}));
  service::SearchInput input = InputOf(service::ItemQuery{.id = "a"}, 2);
  input.exclude_item_ids = {"b", "not there"};
  const auto answer = Search(std::move(input));
  ASSERT_OK(answer);
  EXPECT_THAT(IdsOf(answer->results[0]), ::testing::UnorderedElementsAre("c", "d"));
}

TEST_F(SearchPathTest, AWriteIsVisibleOnceItIsAnswered) {
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

// A writer replaces an item over and over. A search by its id uses the version that its applied sequence shows.
TEST_F(SearchPathTest, AnItemUnderReplacementIsAlwaysFoundAndItsVectorFitsTheAppliedSequence) {
  constexpr uint64_t kOthers = 3;
  constexpr uint64_t kWrites = 400;
  const auto picture_at = [](uint64_t sequence) { return static_cast<uint32_t>(100 + sequence % 2); };
  ASSERT_OK(Start("model"));
  ASSERT_OK(Upsert({ItemOf("0", 0), ItemOf("1", 1), ItemOf("2", 2), ItemOf("a", picture_at(kOthers + 1))}));
  std::atomic<bool> stop = false;
  std::atomic<uint64_t> searches = 0;
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      while (!stop && !HasFailure()) {
        const auto answer = Search(InputOf(service::ItemQuery{.id = "a"}, 10));
        ASSERT_OK(answer);
        ASSERT_EQ(answer->results[0].size(), kOthers);
        const uint32_t picture = picture_at(answer->provenance.applied_sequence);
        for (const service::FoundItem& found : answer->results[0]) {
          const auto other = static_cast<uint32_t>(std::stoul(found.item->id));
          ASSERT_NEAR(found.score, ScoreOf(picture, other), 1e-5) << "at " << answer->provenance.applied_sequence;
        }
        ++searches;
      }
    });
  }
  for (uint64_t sequence = kOthers + 2; (sequence < kWrites || searches < kWrites) && !HasFailure(); ++sequence) {
    EXPECT_OK(Upsert({ItemOf("a", picture_at(sequence))}));
  }
  stop = true;
  for (std::thread& reader : readers) {
    reader.join();
  }
}

TEST_F(SearchPathTest, DropsWorkWhoseClientHasGoneOrWhoseTimeIsOver) {
  ASSERT_OK(Start("model"));
  service::CallContext late = Now();
  late.deadline = absl::Now() - absl::Seconds(1);
  EXPECT_THAT(Search(InputOf(service::ItemQuery{.id = "a"}, 1), late), StatusIs(absl::StatusCode::kDeadlineExceeded));
  service::CallContext gone = Now();
  std::stop_source client;
  client.request_stop();
  gone.cancelled = client.get_token();
  EXPECT_THAT(Search(InputOf(service::ItemQuery{.id = "a"}, 1), gone), StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(SearchPathTest, ABatchIsAnsweredAtOneSequence) {
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

TEST_F(SearchPathTest, ProbesTheRecallOfAnswers) {
  config().mutable_recall_probe()->set_one_in(2);
  ASSERT_OK(Start("model"));
  ASSERT_OK(Upsert({ItemOf("a", 1), ItemOf("b", 2), ItemOf("c", 3)}));
  EXPECT_THAT(IdsFoundBy(1, 2), ElementsAre("a", ::testing::_));
  EXPECT_EQ(engine().recall().recall, std::nullopt);
  // The probe compares what the index found, before items are left out.
  service::SearchInput input = InputOf(service::ItemQuery{.id = "a"}, 2);
  input.exclude_item_ids = {"b"};
  ASSERT_OK(Search(std::move(input)));
  metrics().AwaitRecalls(1);
  EXPECT_EQ(engine().recall().probes, 1);
  EXPECT_EQ(engine().recall().recall, 1);
}

TEST_F(SearchPathTest, ProbesNothingWhenTheProbeIsOff) {
  config().mutable_recall_probe()->set_one_in(0);
  ASSERT_OK(Start("model"));
  ASSERT_OK(Upsert({ItemOf("a", 1)}));
  for (int i = 0; i < 200; ++i) {
    IdsFoundBy(1, 1);
  }
  EXPECT_EQ(engine().recall().probes, 0);
}

TEST_F(SearchPathTest, RefusesNoQueriesAndTooManyBeforeItStarts) {
  config().mutable_limits()->set_max_batch_queries(2);
  ASSERT_OK(Start("model"));
  service::SearchInput input;
  input.top_k = 1;
  for (int queries = 0; queries <= 3; ++queries) {
    const auto answer = Search(input);
    if (queries == 1 || queries == 2) {
      EXPECT_THAT(answer, HasReason("ITEM_NOT_FOUND")) << queries;
    } else {
      EXPECT_THAT(answer, HasReason("LIMIT_EXCEEDED")) << queries;
      EXPECT_THAT(answer, HasField("queries")) << queries;
    }
    input.query_fields.push_back(absl::StrCat("queries[", queries, "]"));
    input.queries.emplace_back(service::ItemQuery{.id = "a"});
  }
}

TEST_F(SearchPathTest, NamesTheQueryThatFailed) {
  ASSERT_OK(Start("model"));
  ASSERT_OK(Upsert({ItemOf("a", 1)}));
  service::SearchInput input = InputOf(service::ItemQuery{.id = "a"}, 1);
  input.query_fields[0] = "queries[0]";
  input.query_fields.emplace_back("queries[1]");
  input.queries.emplace_back(service::ItemQuery{.id = "b"});
  EXPECT_THAT(Search(input), HasField("queries[1].item_id"));
  input.queries[1] = service::ImageQuery{.bytes = "no image"};
  EXPECT_THAT(Search(input), HasField("queries[1].image"));
  input.queries[1] = service::VectorQuery{.values = {1}, .embedding_space_id = "other"};
  EXPECT_THAT(Search(input), HasField("queries[1].embedding.embedding_space_id"));
  FailOnPicture(2);
  const std::string image = PictureOf(2);
  input.queries[1] = service::ImageQuery{.bytes = image};
  EXPECT_THAT(Search(input), HasField("queries[1].image"));
  EXPECT_THAT(Search(input), HasReason("INVALID_VECTOR"));
}

TEST_F(SearchPathTest, TakesItsLatenciesFromTheClock) {
  FakeClock clock;
  set_clock(&clock);
  ASSERT_OK(Start("model"));
  ASSERT_OK(Upsert({ItemOf("a", 1)}));
  service::CallContext context = Now();
  context.start = clock.Now() - absl::Seconds(3);
  const auto answer = Search(InputOf(service::ItemQuery{.id = "a"}, 1), context);
  ASSERT_OK(answer);
  EXPECT_EQ(answer->latency.queue, absl::Seconds(3));
  EXPECT_EQ(answer->latency.total, absl::Seconds(3));
  EXPECT_EQ(answer->latency.search, absl::ZeroDuration());
  EXPECT_EQ(answer->latency.infer, absl::ZeroDuration());
  Stop();  // The engine waits on the clock, which ends with this function.
}

TEST_F(SearchPathTest, ASearchMayNameALoadedGeneration) {
  WriteModel("other", 2);
  ASSERT_OK(Start("model"));
  ASSERT_OK(Upsert({ItemOf("a", 1), ItemOf("b", 2)}));
  const std::string other = AddGeneration("other");
  service::SearchInput input = InputOf(service::ItemQuery{.id = "a"}, 1);
  input.generation = other;
  const auto answer = Search(input);
  ASSERT_OK(answer);
  EXPECT_EQ(answer->provenance.generation, other);
  input.generation = "gen-000077";
  EXPECT_THAT(Search(input), HasReason("GENERATION_NOT_FOUND"));
  EXPECT_THAT(Search(input), HasField("generation"));
  engine().live().Remove(other);
  input.generation = other;
  EXPECT_THAT(Search(input), HasReason("GENERATION_NOT_READY"));
}

TEST_F(SearchPathTest, ACanaryAnswersUnlessTheQueryFitsTheActiveGenerationOnly) {
  WriteModel("other", 2);
  ASSERT_OK(Start("model"));
  ASSERT_OK(Upsert({ItemOf("a", 1), ItemOf("b", 2)}));
  const std::string space = engine().status().generation->manifest().embedding_space_id();
  const std::string other = AddGeneration("other");
  ASSERT_OK(engine().live().SetTraffic(other, {.canary = 1, .shadow = 0}));
  const auto by_item = Search(InputOf(service::ItemQuery{.id = "a"}, 1));
  ASSERT_OK(by_item);
  EXPECT_EQ(by_item->provenance.generation, other);
  const auto by_vector =
      Search(InputOf(service::VectorQuery{.values = std::vector<float>(kDimension, 1), .embedding_space_id = space}, 1));
  ASSERT_OK(by_vector);
  EXPECT_EQ(by_vector->provenance.generation, "gen-000001");
  EXPECT_EQ(engine().live().TrafficOf(other)->canary_count, 1);
}

}  // namespace
}  // namespace semblance::testing
