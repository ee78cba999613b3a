#include "service/live/generation_snapshot.h"

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/live/live_fixture.h"

namespace semblance::testing {
namespace {

using service::Generation;
using service::GenerationSearch;
using service::GenerationSnapshot;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class GenerationSnapshotTest : public ::testing::Test, public LiveFixture {
 protected:
  void SetUp() override {
    loader().config.mutable_index()->set_seal_rows(8);
    generation_ = Load(1);
  }

  std::vector<float> VectorOf(uint32_t picture) { return embedder().VectorOf(NoiseImage(8, 8, 1, picture)); }

  uint64_t Write(const std::string& id, uint32_t picture) {
    const catalog::WriteResult write = Upsert({ItemOf(id, picture)});
    EXPECT_OK(generation_->ApplyUpsert(write, VectorOf(picture)));
    return write.last_sequence;
  }

  void Remove(const std::string& id) { EXPECT_OK(generation_->ApplyDelete(Delete({id}))); }

  // Returns the ids that a search finds for its first query.
  static std::vector<std::string> IdsOf(const GenerationSnapshot& snapshot, const GenerationSearch& search) {
    const auto answer = snapshot.Search(search);
    EXPECT_OK(answer);
    std::vector<std::string> ids;
    for (const service::FoundItem& found : answer->results.at(0)) {
      ids.push_back(found.item->id);
    }
    return ids;
  }

  // Expects that the snapshot has the items of `model` (id to picture) and no others, and that each finds the others in the order
  // that their vectors have.
  void ExpectShows(const GenerationSnapshot& snapshot, const std::map<std::string, uint32_t>& model) {
    for (int i = 0; i < kIds; ++i) {
      const std::string id = absl::StrCat("item", i);
      const auto query = snapshot.QueryOfItem(id);
      if (model.count(id) == 0) {
        EXPECT_THAT(query, HasReason("ITEM_NOT_FOUND")) << id;
        continue;
      }
      ASSERT_OK(query) << id;
      EXPECT_THAT(query->vector, ::testing::Pointwise(::testing::FloatNear(1e-5F), VectorOf(model.at(id)))) << id;
      const auto answer = snapshot.Search({.queries = {*query}, .top_k = kIds, .exclude_item_ids = {}});
      ASSERT_OK(answer);
      ASSERT_EQ(answer->results[0].size(), model.size() - 1);
      for (const service::FoundItem& found : answer->results[0]) {
        const std::vector<float> other = VectorOf(model.at(found.item->id));
        EXPECT_NEAR(found.score, std::inner_product(other.begin(), other.end(), query->vector.begin(), 0.0F), 1e-5);
      }
    }
  }

  static constexpr int kIds = 6;
  std::shared_ptr<Generation> generation_;
};

TEST_F(GenerationSnapshotTest, FindsAnItemItsVectorAndItsRecord) {
  const uint64_t sequence = Write("a", 1);
  const GenerationSnapshot snapshot(generation_.get());
  const auto found = snapshot.Find("a");
  ASSERT_OK(found);
  EXPECT_EQ(found->record->sequence, sequence);
  EXPECT_EQ(found->record->label, "picture 1");
  EXPECT_THAT(found->vector, ::testing::Pointwise(::testing::FloatNear(1e-5F), VectorOf(1)));
  EXPECT_EQ(snapshot.QueryOfItem("a")->item_id, "a");
  EXPECT_THAT(snapshot.QueryOfItem("b"), HasReason("ITEM_NOT_FOUND"));
}

TEST_F(GenerationSnapshotTest, ASearchLeavesOutTheQueryItemAndTheExcludedItemsAndStillFindsTopK) {
  for (uint32_t i = 0; i < 6; ++i) {
    Write(std::string(1, static_cast<char>('a' + i)), i);
  }
  const GenerationSnapshot snapshot(generation_.get());
  GenerationSearch search;
  search.top_k = 3;
  search.exclude_item_ids = {"b", "c", "not there"};
  search.queries.push_back(*snapshot.QueryOfItem("a"));
  EXPECT_THAT(IdsOf(snapshot, search), UnorderedElementsAre("d", "e", "f"));
}

TEST_F(GenerationSnapshotTest, ASearchReturnsTheRowsThatTheIndexFound) {
  const uint64_t a = Write("a", 1);
  Write("b", 2);
  const GenerationSnapshot snapshot(generation_.get());
  GenerationSearch search;
  search.top_k = 1;
  search.queries.push_back({.vector = VectorOf(1), .item_id = std::nullopt});
  index::IndexSearchResult rows;
  ASSERT_OK(snapshot.Search(search, &rows));
  ASSERT_EQ(rows.neighbors.size(), 1u);
  EXPECT_EQ(rows.neighbors[0].size(), static_cast<size_t>(search.index_top_k()));
  EXPECT_EQ(rows.neighbors[0][0].key, a);
  EXPECT_EQ(rows.applied_sequence, 2u);
}

TEST_F(GenerationSnapshotTest, FindsNothingInAnEmptyGeneration) {
  GenerationSearch search;
  search.top_k = 3;
  search.queries.push_back({.vector = VectorOf(1), .item_id = std::nullopt});
  EXPECT_THAT(IdsOf(GenerationSnapshot(generation_.get()), search), IsEmpty());
}

TEST_F(GenerationSnapshotTest, StaysAsItIsWhenAnItemIsReplacedDeletedAndWrittenAgain) {
  Write("item0", 1);
  Write("item1", 2);
  const GenerationSnapshot before(generation_.get());
  Write("item0", 3);
  const GenerationSnapshot replaced(generation_.get());
  Remove("item0");
  const GenerationSnapshot deleted(generation_.get());
  Write("item0", 4);
  ExpectShows(before, {{"item0", 1}, {"item1", 2}});
  ExpectShows(replaced, {{"item0", 3}, {"item1", 2}});
  ExpectShows(deleted, {{"item1", 2}});
  ExpectShows(GenerationSnapshot(generation_.get()), {{"item0", 4}, {"item1", 2}});
}

// Old snapshots are compared with a map of the time when they were taken, while segments are sealed and rows are dropped.
TEST_F(GenerationSnapshotTest, AgreesWithAMapWhateverIsWrittenAfterwards) {
  struct Taken {
    std::unique_ptr<GenerationSnapshot> snapshot;
    std::map<std::string, uint32_t> model;
  };
  std::mt19937 random(3);
  std::map<std::string, uint32_t> model;
  std::deque<Taken> taken;
  for (int step = 0; step < 200; ++step) {
    const std::string id = absl::StrCat("item", random() % kIds);
    if (random() % 4 != 0) {
      model[id] = static_cast<uint32_t>(random() % 20);
      Write(id, model[id]);
    } else {
      model.erase(id);
      Remove(id);
    }
    if (random() % 4 == 0) {
      taken.push_back({std::make_unique<GenerationSnapshot>(generation_.get()), model});
      EXPECT_EQ(taken.back().snapshot->applied_sequence(), catalog().last_sequence());
    }
    if (taken.size() > 5) {
      for (const Taken& one : taken) {
        ASSERT_NO_FATAL_FAILURE(ExpectShows(*one.snapshot, one.model)) << "step " << step;
      }
      taken.erase(taken.begin() + static_cast<std::ptrdiff_t>(random() % taken.size()));
    }
  }
  EXPECT_GT(generation_->index().Stats().sealed_segments, 0);
}

}  // namespace
}  // namespace semblance::testing
