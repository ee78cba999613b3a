#include "service/engine/write_path.h"

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/engine/engine_fixture.h"

namespace semblance::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class WritePathTest : public ::testing::Test, public EngineFixture {};

TEST_F(WritePathTest, AReplacedItemIsFoundByItsNewPictureOnly) {
  ASSERT_OK(Start("model"));
  ASSERT_OK(Upsert({ItemOf("a", 1), ItemOf("b", 2)}));
  ASSERT_OK(Upsert({ItemOf("a", 3)}));
  EXPECT_THAT(IdsFoundBy(3, 10), ElementsAre("a", "b"));
  EXPECT_EQ(engine().item_count(), 2);
}

TEST_F(WritePathTest, ADeletedItemIsGoneAndItsIdIsReportedMissingAfterwards) {
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

TEST_F(WritePathTest, OneBadImageStoresNothing) {
  ASSERT_OK(Start("model"));
  catalog::ItemWrite bad = ItemOf("b", 2);
  bad.image.resize(bad.image.size() / 2);
  const auto result = Upsert({ItemOf("a", 1), bad});
  EXPECT_THAT(result, HasReason("IMAGE_DECODE_FAILED"));
  EXPECT_THAT(result, HasField("items[1].image"));
  EXPECT_EQ(engine().item_count(), 0);
  EXPECT_THAT(IdsFoundBy(1, 10), IsEmpty());
}

TEST_F(WritePathTest, AnImageThatTheModelCannotEmbedStoresNothing) {
  ASSERT_OK(Start("model"));
  FailOnPicture(2);
  const auto result = Upsert({ItemOf("a", 1), ItemOf("b", 2)});
  EXPECT_THAT(result, HasReason("INVALID_VECTOR"));
  EXPECT_THAT(result, HasField("items[1].image"));
  EXPECT_EQ(engine().item_count(), 0);
}

TEST_F(WritePathTest, RefusesWhatDoesNotFitIntoMemoryUntilOtherWritesAreDone) {
  config().set_request_memory_budget_mib(1);
  config().mutable_limits()->set_max_attribute_bytes(1 << 20);
  ASSERT_OK(Start("model"));
  const auto large = [](const std::string& id) {
    catalog::ItemWrite item = ItemOf(id, 1);
    item.attributes["text"] = std::string(400'000, 'x');
    return item;
  };
  embedder().CloseGate();
  std::promise<absl::StatusOr<service::WriteAnswer>> first;
  engine().Upsert({large("a")}, Now(),
                  [&first](absl::StatusOr<service::WriteAnswer> answer) { first.set_value(std::move(answer)); });
  embedder().AwaitCallAtGate();
  EXPECT_GT(engine().request_memory_bytes(), 800'000);

  const auto refused = Upsert({large("b")});

  EXPECT_THAT(refused, HasReason("QUEUE_FULL"));
  EXPECT_TRUE(RetryDelay(refused.status()).has_value());
  embedder().OpenGate();
  EXPECT_OK(first.get_future().get());
  engine().AwaitIdle();
  EXPECT_EQ(engine().request_memory_bytes(), 0);
  EXPECT_OK(Upsert({large("b")}));
}

// A writer replaces one item over and over while searches run: every answer has it exactly once.
TEST_F(WritePathTest, AnItemUnderReplacementIsNeverMissingAndNeverTwice) {
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

TEST_F(WritePathTest, AWriteThatWasEmbeddedInAReplacedGenerationIsEmbeddedAgain) {
  WriteModel("other", 2);
  ASSERT_OK(Start("model"));
  BundledFakeEmbedder& first = embedder();
  const std::string other = AddGeneration("other");
  first.CloseGate();
  std::promise<absl::StatusOr<service::WriteAnswer>> answer;
  engine().Upsert({ItemOf("a", 1)}, Now(),
                  [&answer](absl::StatusOr<service::WriteAnswer> result) { answer.set_value(std::move(result)); });
  first.AwaitCallAtGate();
  ASSERT_OK(engine().live().Activate(
      other, absl::Seconds(30), [] { return absl::OkStatus(); }, [] {}));
  first.OpenGate();
  const auto written = answer.get_future().get();
  ASSERT_OK(written);
  EXPECT_EQ(written->provenance.generation, other);
  LiveFixture::ExpectHas(*engine().live().active(), {{"a", 1}});
}

TEST_F(WritePathTest, AnErrorOfTheNetworkStoresNothing) {
  ASSERT_OK(Start("model"));
  embedder().FailWith(absl::InternalError("the network is broken"));
  EXPECT_THAT(Upsert({ItemOf("a", 1)}), StatusIs(absl::StatusCode::kInternal));
  EXPECT_EQ(engine().item_count(), 0);
  embedder().FailWith(absl::OkStatus());
  EXPECT_OK(Upsert({ItemOf("a", 1)}));
}

// An index that fails to take writes.
class BrokenIndex final : public index::VectorIndex {
 public:
  int dimension() const override { return kDimension; }
  absl::Status Apply(absl::Span<const index::IndexAdd>, absl::Span<const index::IndexDelete>, uint64_t) override {
    return absl::InternalError("the disk is full");
  }
  uint64_t applied_sequence() const override { return 0; }
  std::unique_ptr<const index::IndexSnapshot> Snapshot() const override { return nullptr; }
  index::IndexStats Stats() const override { return {}; }
};

TEST_F(WritePathTest, TakesNoMoreWritesAfterTheIndexMissedOneAndFindsItAfterARestart) {
  ASSERT_OK(Start("model"));
  service::Generation::Parts parts;
  parts.manifest = engine().status().generation->manifest();
  parts.embedder = *NewBundledFakeEmbedder(ModelDir("model"));
  parts.index = std::make_unique<BrokenIndex>();
  parts.items = std::make_unique<service::ItemTable>();
  engine().live().SetActive(std::make_shared<service::Generation>(std::move(parts)));
  const auto missed = Upsert({ItemOf("a", 1)});
  EXPECT_THAT(missed, HasReason("READ_ONLY"));
  EXPECT_THAT(missed, StatusMessage(::testing::HasSubstr("the disk is full")));
  EXPECT_THAT(Upsert({ItemOf("b", 2)}), HasReason("READ_ONLY"));
  EXPECT_THAT(Delete({"a"}), HasReason("READ_ONLY"));
  EXPECT_EQ(engine().item_count(), 1);
  ASSERT_OK(Start(""));
  EXPECT_THAT(IdsFoundBy(1, 10), ElementsAre("a"));
}

}  // namespace
}  // namespace semblance::testing
