#include "index/segments/segment_merge.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/index/index_kinds.h"
#include "tests/index/random_vectors.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::index {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class SegmentMergeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.dimension = 1;
    options_.spec.kind = IndexSpec::Kind::kFlat;
  }

  std::shared_ptr<GrowingSegment> Growing(const std::vector<uint64_t>& keys) {
    auto segment = std::make_shared<GrowingSegment>(++last_file_, 1, 100);
    segment->Append(Rows(keys));
    return segment;
  }

  std::shared_ptr<SealedSegment> Sealed(const std::vector<uint64_t>& keys) {
    auto segment = SealedSegment::Build(++last_file_, options_, Rows(keys), static_cast<int64_t>(keys.size()), /*stop=*/{});
    EXPECT_OK(segment);
    return *std::move(segment);
  }

  std::shared_ptr<const SegmentList> Merged(const SegmentList& list, uint64_t sequence) {
    SegmentMerge merge(list, options_, sequence);
    EXPECT_OK(merge.Build(++last_file_, /*stop=*/{}));
    return merge.Publish(list);
  }

  // Returns the keys that are visible in a list at a sequence, ascending.
  static std::vector<uint64_t> KeysAt(const SegmentList& list, uint64_t sequence) {
    const float query = 1;
    TopRows top(1000);
    list.ForEach([&](const Segment* segment) { segment->Search({.vector = &query, .sequence = sequence, .top_k = 1000}, &top); });
    std::vector<uint64_t> keys;
    for (const ScoredKey& row : top.Take()) {
      keys.push_back(row.key);
    }
    return keys;
  }

  static void Delete(Segment* segment, uint64_t key, uint64_t at) { segment->Delete(segment->Find(key), at); }

  SegmentedIndexOptions options_;

 private:
  // All rows have the vector (1), so searches find them in the order of their keys.
  std::vector<IndexAdd> Rows(const std::vector<uint64_t>& keys) const {
    std::vector<IndexAdd> rows;
    for (const uint64_t key : keys) {
      rows.push_back({key, vector_});
    }
    return rows;
  }

  uint64_t last_file_ = 0;
  const std::vector<float> vector_ = {1};
};

TEST_F(SegmentMergeTest, LeavesTheSegmentThatTakesWrites) {
  SegmentList list;
  EXPECT_TRUE(SegmentMerge(list, options_, 9).empty());
  list.growing = {Growing({1, 2})};
  EXPECT_TRUE(SegmentMerge(list, options_, 9).empty());
}

TEST_F(SegmentMergeTest, SealsFullSegmentsByAscendingKey) {
  SegmentList list;
  list.growing = {Growing({7, 3}), Growing({5}), Growing({8})};
  const auto merged = Merged(list, 9);
  ASSERT_THAT(merged->sealed, SizeIs(1));
  EXPECT_THAT(merged->growing, ElementsAre(list.growing.back()));
  EXPECT_EQ(merged->sealed[0]->rows(), 3);
  EXPECT_EQ(merged->sealed[0]->key(0), 3U);
  EXPECT_THAT(KeysAt(*merged, 9), ElementsAre(3, 5, 7, 8));
}

TEST_F(SegmentMergeTest, TakesSealedSegmentsNoLargerThanWhatItHas) {
  SegmentList list;
  list.sealed = {Sealed({1, 2, 3, 4, 5, 6}), Sealed({7, 8, 9}), Sealed({10, 11})};
  list.growing = {Growing({12, 13}), Growing({})};
  const auto merged = Merged(list, 20);
  // 2 growing rows absorb 2 rows, the resulting 4 absorb 3, and these 7 absorb 6.
  ASSERT_THAT(merged->sealed, SizeIs(1));
  list.growing = {Growing({12}), Growing({})};
  EXPECT_THAT(Merged(list, 20)->sealed, SizeIs(4));
}

TEST_F(SegmentMergeTest, KeepsTheListByDescendingSize) {
  SegmentList list;
  list.sealed = {Sealed({1, 2, 3, 4, 5, 6}), Sealed({7})};
  list.growing = {Growing({12, 13}), Growing({})};
  const auto merged = Merged(list, 20);
  ASSERT_THAT(merged->sealed, SizeIs(2));
  EXPECT_EQ(merged->sealed[0], list.sealed[0]);
  EXPECT_EQ(merged->sealed[1]->rows(), 3);
}

TEST_F(SegmentMergeTest, CarriesOverDeletionsThatCameWhileItWasBuilt) {
  SegmentList list;
  list.growing = {Growing({1, 2, 3}), Growing({})};
  SegmentMerge merge(list, options_, 3);
  ASSERT_OK(merge.Build(9, /*stop=*/{}));
  Delete(list.growing[0].get(), 2, 4);
  const auto merged = merge.Publish(list);
  EXPECT_THAT(KeysAt(*merged, 3), ElementsAre(1, 2, 3));
  EXPECT_THAT(KeysAt(*merged, 4), ElementsAre(1, 3));
}

TEST_F(SegmentMergeTest, DropsOnlyWhatItsSequenceNoLongerShows) {
  SegmentList list;
  list.growing = {Growing({1, 2, 3, 4}), Growing({})};
  Delete(list.growing[0].get(), 1, 5);
  SegmentMerge merge(list, options_, 5);
  Delete(list.growing[0].get(), 2, 6);  // By a step that is not published yet.
  ASSERT_OK(merge.Build(9, /*stop=*/{}));
  const auto merged = merge.Publish(list);
  EXPECT_EQ(merged->oldest_sequence, 5U);
  EXPECT_EQ(merged->sealed.at(0)->rows(), 3);
  EXPECT_THAT(KeysAt(*merged, 5), ElementsAre(2, 3, 4));
  EXPECT_THAT(KeysAt(*merged, 6), ElementsAre(3, 4));
}

TEST_F(SegmentMergeTest, RewritesASegmentThatIsMostlyDeletedAndDropsAnEmptyOne) {
  SegmentList list;
  list.sealed = {Sealed({1, 2, 3}), Sealed({4})};
  Delete(list.sealed[0].get(), 1, 7);
  Delete(list.sealed[0].get(), 2, 7);
  const auto merged = Merged(list, 7);
  EXPECT_THAT(KeysAt(*merged, 7), ElementsAre(3, 4));
  Delete(merged->sealed.at(0).get(), 3, 8);
  Delete(merged->sealed.at(0).get(), 4, 8);
  EXPECT_THAT(Merged(*merged, 8)->sealed, IsEmpty());
}

// These merges add rows to a graph.
class ExtendingMergeTest : public SegmentMergeTest {
 protected:
  static constexpr int kDimension = 8;

  void SetUp() override {
    options_.dimension = kDimension;
    options_.spec = testing::SpecOf("HNSW8");
  }

  std::vector<IndexAdd> Rows(uint64_t first, uint64_t last, float size = 1) {
    std::vector<IndexAdd> rows;
    for (uint64_t key = first; key <= last; ++key) {
      vectors_.push_back(random_.Next());
      std::for_each(vectors_.back().begin(), vectors_.back().end(), [size](float& value) { value *= size; });
      rows.push_back({key, vectors_.back()});
    }
    return rows;
  }

  void FillList(float size = 1) {
    const std::vector<IndexAdd> old = Rows(1, 4000);
    auto sealed = SealedSegment::Build(1, options_, old, 4000, /*stop=*/{});
    EXPECT_OK(sealed);
    list_.sealed = {*std::move(sealed)};
    list_.growing = {std::make_shared<GrowingSegment>(2, kDimension, 400), std::make_shared<GrowingSegment>(3, kDimension, 400)};
    list_.growing[0]->Append(Rows(4001, 4400, size));
  }

  std::shared_ptr<const SegmentList> MergedAt(uint64_t sequence) {
    SegmentMerge merge(list_, options_, sequence);
    EXPECT_OK(merge.Build(9, /*stop=*/{}));
    return merge.Publish(list_);
  }

  // Expects that searches for rows of the list find nearly all of them.
  void ExpectToFind(const SegmentList& list, uint64_t first, uint64_t last) {
    int missed = 0;
    for (uint64_t key = first; key <= last; ++key) {
      TopRows top(1);
      const SegmentQuery query = {.vector = vectors_[key - 1].data(), .sequence = 9000, .top_k = 1};
      list.ForEach([&](const Segment* segment) { segment->Search(query, &top); });
      const std::vector<ScoredKey> rows = top.Take();
      missed += rows.size() == 1 && rows[0].key == key ? 0 : 1;
    }
    EXPECT_LE(missed, 44);
  }

  std::deque<std::vector<float>> vectors_;
  SegmentList list_;

 private:
  RandomVectors random_{kDimension, 0, 1};
};

TEST_F(ExtendingMergeTest, AddsToALargerGraphAndKeepsWhatIsDeletedDeleted) {
  FillList();
  Delete(list_.sealed[0].get(), 7, 4390);
  Delete(list_.growing[0].get(), 4100, 4395);
  const auto merged = MergedAt(4400);
  ASSERT_THAT(merged->sealed, SizeIs(1));
  const SealedSegment& segment = *merged->sealed[0];
  EXPECT_EQ(segment.rows(), 4399);  // The deleted row of the graph stays, the other one is dropped.
  EXPECT_EQ(segment.live_rows(), 4398);
  EXPECT_EQ(segment.deleted_at(segment.Find(7)), 4390u);
  EXPECT_EQ(segment.Find(4100), -1);
  ExpectToFind(*merged, 1, 4400);
}

TEST_F(ExtendingMergeTest, WritesAndReadsWhatWasAdded) {
  FillList();
  const auto merged = MergedAt(4400);
  const testing::TempDir directory;
  const std::string path = directory.path() + "/x.segment";
  ASSERT_OK(merged->sealed[0]->Write(path));
  SegmentList read;
  ASSERT_OK_AND_ASSIGN(read.sealed.emplace_back(), SealedSegment::Open(9, kDimension, path));
  ExpectToFind(read, 1, 4400);
}

TEST_F(ExtendingMergeTest, BuildsAnewWhatIsNotLikeTheRowsThatAreThere) {
  FillList(/*size=*/3);
  Delete(list_.sealed[0].get(), 7, 4390);
  const auto merged = MergedAt(4400);
  ASSERT_THAT(merged->sealed, SizeIs(1));
  EXPECT_EQ(merged->sealed[0]->rows(), 4399);
  EXPECT_EQ(merged->sealed[0]->Find(7), -1);  // Not even as a deleted row.
}

TEST_F(ExtendingMergeTest, DoesNotAddOlderKeysOrOtherKindsOrTooManyRows) {
  FillList();
  const SealedSegment& segment = *list_.sealed[0];
  EXPECT_TRUE(segment.CanExtend(options_, 400, 4001));
  EXPECT_FALSE(segment.CanExtend(options_, 400, 4000));
  EXPECT_FALSE(segment.CanExtend(options_, 4001, 4001));
  SegmentedIndexOptions other = options_;
  other.spec = testing::SpecOf("HNSW16");
  EXPECT_FALSE(segment.CanExtend(other, 400, 4001));
  other.spec = testing::SpecOf("auto");
  EXPECT_TRUE(segment.CanExtend(other, 400, 4001));
}

}  // namespace
}  // namespace semblance::index
