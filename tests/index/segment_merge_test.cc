#include "index/segment_merge.h"

#include <atomic>
#include <memory>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace semblance {
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
    auto segment = SealedSegment::Build(++last_file_, options_, Rows(keys), static_cast<int64_t>(keys.size()), stop_);
    EXPECT_OK(segment);
    return *std::move(segment);
  }

  std::shared_ptr<const SegmentList> Merged(const SegmentList& list, uint64_t sequence) {
    SegmentMerge merge(list, sequence);
    EXPECT_OK(merge.Build(++last_file_, options_, stop_));
    return merge.Publish(list);
  }

  // The keys that a list shows at a sequence, ascending.
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
  const std::atomic<bool> stop_{false};

 private:
  // All rows have the vector (1): they are found in the order of their keys.
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
  EXPECT_TRUE(SegmentMerge(list, 9).empty());
  list.growing = {Growing({1, 2})};
  EXPECT_TRUE(SegmentMerge(list, 9).empty());
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
  // 2 rows take in 2, these 4 take in 3, and 7 take in 6.
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
  SegmentMerge merge(list, 3);
  ASSERT_OK(merge.Build(9, options_, stop_));
  Delete(list.growing[0].get(), 2, 4);
  const auto merged = merge.Publish(list);
  EXPECT_THAT(KeysAt(*merged, 3), ElementsAre(1, 2, 3));
  EXPECT_THAT(KeysAt(*merged, 4), ElementsAre(1, 3));
}

TEST_F(SegmentMergeTest, DropsOnlyWhatItsSequenceNoLongerShows) {
  SegmentList list;
  list.growing = {Growing({1, 2, 3, 4}), Growing({})};
  Delete(list.growing[0].get(), 1, 5);
  SegmentMerge merge(list, 5);
  Delete(list.growing[0].get(), 2, 6);  // By a step that is not published yet.
  ASSERT_OK(merge.Build(9, options_, stop_));
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

}  // namespace
}  // namespace semblance
