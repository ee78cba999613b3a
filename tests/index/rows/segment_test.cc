#include "index/rows/segment.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/index/index_oracle.h"
#include "tests/index/random_vectors.h"
#include "tests/index/rows/row_segment.h"

namespace semblance::index {
namespace {

using ::testing::ElementsAreArray;
using ::testing::IsEmpty;

constexpr int kDimension = 6;
// More than two blocks of a scan, with a remainder.
constexpr uint64_t kRows = 700;
constexpr int kTopK = 25;

// A segment with keys 2, 4, 6, ... of which a third is deleted at different sequences, and an oracle that knows the same.
class SegmentTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::vector<IndexAdd> adds;
    for (uint64_t row = 0; row < kRows; ++row) {
      adds.push_back({keys_[row], absl::MakeConstSpan(vectors_).subspan(row * kDimension, kDimension)});
    }
    oracle_.Apply(adds, {});
    for (uint64_t row = 0; row < kRows; row += 3) {
      const uint64_t at = keys_[row] + 1 + static_cast<uint64_t>(random_.Below(2 * kRows));
      segment_.Delete(static_cast<int64_t>(row), at);
      oracle_.Apply({}, {{keys_[row], at}});
    }
  }

  static std::vector<uint64_t> EvenKeys() {
    std::vector<uint64_t> keys;
    for (uint64_t row = 0; row < kRows; ++row) {
      keys.push_back(2 * row + 2);
    }
    return keys;
  }

  SegmentQuery QueryAt(uint64_t sequence) const { return {.vector = query_.data(), .sequence = sequence, .top_k = kTopK}; }

  RandomVectors random_{kDimension, 0, 1};
  const std::vector<float> vectors_ = random_.Rows(kRows);
  const std::vector<float> query_ = random_.Next();
  const std::vector<uint64_t> keys_ = EvenKeys();
  RowSegment segment_{kDimension, keys_, vectors_.data()};
  IndexOracle oracle_;
};

TEST_F(SegmentTest, AScanFindsTheRowsOfEverySequence) {
  for (uint64_t sequence = 0; sequence <= 4 * kRows; sequence += 7) {
    TopRows top(kTopK);
    segment_.Scan(QueryAt(sequence), &top);
    EXPECT_THAT(top.Take(), ElementsAreArray(oracle_.Search(query_, kTopK, sequence))) << sequence;
  }
}

TEST_F(SegmentTest, AScanOfCertainKeysFindsTheBestOfThem) {
  std::vector<uint64_t> wanted = {1, 3, 5000};  // No row has one of these keys.
  for (uint64_t row = 0; row < kRows; row += 2) {
    wanted.push_back(keys_[row]);
  }
  const KeySet only(wanted);
  const uint64_t sequence = 2 * kRows;
  std::vector<ScoredKey> expected = oracle_.Search(query_, static_cast<int>(kRows), sequence);
  std::erase_if(expected, [&](const ScoredKey& one) { return !only.Contains(one.key); });
  expected.resize(kTopK);
  SegmentQuery query = QueryAt(sequence);
  query.only = &only;
  TopRows by_key(kTopK);
  segment_.ScanKeys(query, only.keys(), &by_key);
  EXPECT_THAT(by_key.Take(), ElementsAreArray(expected));
  TopRows by_row(kTopK);
  segment_.Scan(query, &by_row);
  EXPECT_THAT(by_row.Take(), ElementsAreArray(expected));
}

TEST_F(SegmentTest, OffersGivenRowsThatTheQueryMaySee) {
  std::vector<uint32_t> all(kRows);
  std::iota(all.begin(), all.end(), 0);
  TopRows top(kTopK);
  segment_.OfferRows(QueryAt(kRows), all, &top);
  EXPECT_THAT(top.Take(), ElementsAreArray(oracle_.Search(query_, kTopK, kRows)));
  TopRows none(kTopK);
  segment_.OfferRows(QueryAt(kRows), {}, &none);
  EXPECT_THAT(none.Take(), IsEmpty());
}

TEST_F(SegmentTest, KeepsTheFirstDeletionOfARow) {
  EXPECT_EQ(segment_.deleted_at(1), kNeverDeleted);
  const int64_t deleted = segment_.deleted_rows();
  segment_.Delete(1, 100);
  segment_.Delete(1, 50);
  segment_.Delete(1, kNeverVisible);
  EXPECT_EQ(segment_.deleted_at(1), 100U);
  EXPECT_EQ(segment_.deleted_rows(), deleted + 1);
  EXPECT_EQ(segment_.live_rows() + segment_.deleted_rows(), segment_.rows());
}

TEST_F(SegmentTest, ShowsARowFromItsKeyUntilItsDeletion) {
  segment_.Delete(1, 100);  // Its key is 4.
  EXPECT_FALSE(segment_.Shows(1, QueryAt(3)));
  EXPECT_TRUE(segment_.Shows(1, QueryAt(4)));
  EXPECT_TRUE(segment_.Shows(1, QueryAt(99)));
  EXPECT_FALSE(segment_.Shows(1, QueryAt(100)));
  segment_.Delete(2, kNeverVisible);
  for (const uint64_t sequence : {uint64_t{0}, uint64_t{6}, kNeverDeleted - 1}) {
    EXPECT_FALSE(segment_.Shows(2, QueryAt(sequence))) << sequence;
  }
}

TEST_F(SegmentTest, AFilterPassesTheRowsThatTheSegmentShows) {
  const KeySet only({4, 8, 10});
  SegmentQuery query = QueryAt(9);
  query.only = &only;
  const RowFilter filter(&segment_, &query);
  for (int64_t row = 0; row < static_cast<int64_t>(kRows); ++row) {
    EXPECT_EQ(filter.Passes(row), segment_.Shows(row, query)) << row;
  }
  EXPECT_TRUE(filter.Passes(1));
  EXPECT_FALSE(filter.Passes(4)) << "key 10 comes after the sequence";
}

TEST_F(SegmentTest, CountsTheMemoryOfDeletionsOnceThereAreSome) {
  RowSegment segment(kDimension, keys_, vectors_.data());
  const int64_t before = segment.memory_bytes();
  segment.Delete(0, 5000);
  EXPECT_EQ(before, static_cast<int64_t>(kRows * sizeof(uint64_t)));
  EXPECT_EQ(segment.memory_bytes(), 2 * before);
}

}  // namespace
}  // namespace semblance::index
