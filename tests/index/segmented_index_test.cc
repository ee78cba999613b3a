#include "index/segmented_index.h"

#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/index/index_kinds.h"
#include "tests/index/index_oracle.h"
#include "tests/index/random_vectors.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::index {
namespace {

using ::semblance::testing::kAllKinds;
using ::semblance::testing::SpecOf;
using ::semblance::testing::StatusIs;
using ::semblance::testing::TempDir;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<uint64_t> KeysOf(const std::vector<ScoredKey>& rows) {
  std::vector<uint64_t> keys;
  for (const ScoredKey& row : rows) {
    keys.push_back(row.key);
  }
  return keys;
}

// Tests the contract of VectorIndex and SegmentedIndex for every kind of sealed segment, and for segments of one row and of many.
class SegmentedIndexTest : public ::testing::TestWithParam<std::tuple<const char*, int>> {
 protected:
  static SegmentedIndexOptions Options() {
    SegmentedIndexOptions options;
    options.dimension = 2;
    options.spec = SpecOf(std::get<0>(GetParam()));
    options.seal_rows = std::get<1>(GetParam());
    options.hnsw_ef_construction = 16;
    options.build_threads = 1;
    return options;
  }

  void SetUp() override { Open({}, 0); }

  void Open(const std::vector<uint64_t>& live_keys, uint64_t sequence) {
    index_.reset();
    auto index = SegmentedIndex::Open(dir_.path(), Options(), live_keys, sequence);
    ASSERT_OK(index);
    index_ = *std::move(index);
  }

  // Adds a vector at `angle` (radians) under the next sequence, which it returns.
  uint64_t Add(float angle) {
    const uint64_t key = index_->applied_sequence() + 1;
    const std::vector<float> vector = {std::cos(angle), std::sin(angle)};
    EXPECT_OK(index_->Apply({{key, vector}}, {}, key));
    return key;
  }

  void Delete(uint64_t key) {
    const uint64_t sequence = index_->applied_sequence() + 1;
    EXPECT_OK(index_->Apply({}, {{key, sequence}}, sequence));
  }

  // Returns the keys nearest to angle 0.
  std::vector<uint64_t> Nearest(int top_k) {
    IndexSearchOptions options;
    options.top_k = top_k;
    const auto found = index_->Search({1, 0}, options);
    EXPECT_OK(found);
    return KeysOf(found->neighbors.at(0));
  }

  TempDir dir_;
  std::unique_ptr<SegmentedIndex> index_;
};

TEST_P(SegmentedIndexTest, IsEmptyAtFirst) {
  EXPECT_EQ(index_->dimension(), 2);
  EXPECT_EQ(index_->applied_sequence(), 0U);
  EXPECT_THAT(Nearest(3), IsEmpty());
  EXPECT_THAT(index_->missing_keys(), IsEmpty());
}

TEST_P(SegmentedIndexTest, FindsRowsByDescendingScore) {
  Add(0.3F);
  Add(0.1F);
  Add(0.2F);
  EXPECT_THAT(Nearest(2), ElementsAre(2, 3));
  index_->WaitForBackgroundWork();
  EXPECT_THAT(Nearest(2), ElementsAre(2, 3));
}

TEST_P(SegmentedIndexTest, ReturnsFewerThanKWhenTheIndexIsSmall) {
  Add(0.1F);
  Add(0.2F);
  EXPECT_THAT(Nearest(1000000000), ElementsAre(1, 2));
}

TEST_P(SegmentedIndexTest, OrdersDuplicatesByKeyAcrossSegments) {
  for (int i = 0; i < 9; ++i) {
    Add(0.5F);
  }
  EXPECT_THAT(Nearest(9), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9));
  index_->WaitForBackgroundWork();
  EXPECT_THAT(Nearest(9), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9));
}

TEST_P(SegmentedIndexTest, NeverReturnsADeletedRow) {
  for (int i = 0; i < 6; ++i) {
    Add(0.1F * static_cast<float>(i));
  }
  Delete(1);
  Delete(3);
  EXPECT_THAT(Nearest(10), ElementsAre(2, 4, 5, 6));
  index_->WaitForBackgroundWork();
  EXPECT_THAT(Nearest(10), ElementsAre(2, 4, 5, 6));
  EXPECT_EQ(index_->Stats().live_rows, 4);
}

TEST_P(SegmentedIndexTest, ReplacesARowInOneStep) {
  Add(0.1F);
  const std::vector<float> vector = {0, 1};
  EXPECT_OK(index_->Apply({{2, vector}}, {{1, 2}}, 2));
  EXPECT_THAT(Nearest(5), ElementsAre(2));
}

TEST_P(SegmentedIndexTest, IgnoresDeletesOfUnknownKeys) {
  Add(0.1F);
  Delete(77);
  Delete(1);
  Delete(1);
  EXPECT_THAT(Nearest(5), IsEmpty());
}

TEST_P(SegmentedIndexTest, AppliesABatchLargerThanASegment) {
  RandomVectors random(2, 0, 1);
  const std::vector<float> vectors = random.Rows(20);
  std::vector<IndexAdd> adds;
  for (uint64_t row = 0; row < 20; ++row) {
    adds.push_back({row + 1, absl::MakeConstSpan(vectors).subspan(row * 2, 2)});
  }
  EXPECT_OK(index_->Apply(adds, {{7, 30}}, 30));
  EXPECT_EQ(index_->applied_sequence(), 30U);
  EXPECT_THAT(Nearest(100), SizeIs(19));
}

TEST_P(SegmentedIndexTest, AnswersSeveralQueriesAtOneSequence) {
  Add(0);
  Add(1.5F);
  IndexSearchOptions options;
  options.top_k = 1;
  ASSERT_OK_AND_ASSIGN(const IndexSearchResult found, index_->Search({1, 0, 0, 1}, options));
  ASSERT_THAT(found.neighbors, SizeIs(2));
  EXPECT_THAT(KeysOf(found.neighbors[0]), ElementsAre(1));
  EXPECT_THAT(KeysOf(found.neighbors[1]), ElementsAre(2));
  EXPECT_EQ(found.applied_sequence, 2U);
}

TEST_P(SegmentedIndexTest, ASnapshotStaysAsItIsWhileRowsAreDeletedAndSegmentsMerged) {
  for (int i = 0; i < 4; ++i) {
    Add(0.1F * static_cast<float>(i));
  }
  const auto snapshot = index_->Snapshot();
  Delete(1);
  Delete(2);
  for (int i = 0; i < 20; ++i) {
    Add(0);
  }
  index_->WaitForBackgroundWork();
  EXPECT_EQ(snapshot->applied_sequence(), 4U);
  IndexSearchOptions options;
  options.top_k = 10;
  ASSERT_OK_AND_ASSIGN(const IndexSearchResult found, snapshot->Search({1, 0}, options));
  EXPECT_THAT(KeysOf(found.neighbors[0]), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(found.applied_sequence, 4U);
  ASSERT_OK_AND_ASSIGN(const std::vector<float> vector, snapshot->Vector(1));
  EXPECT_THAT(vector, ElementsAre(1, 0));
  EXPECT_THAT(snapshot->Vector(7), StatusIs(absl::StatusCode::kNotFound)) << "it was added later";
  EXPECT_THAT(index_->Vector(1), StatusIs(absl::StatusCode::kNotFound)) << "it is deleted";
}

TEST_P(SegmentedIndexTest, ReturnsTheVectorOfARow) {
  for (int i = 0; i < 5; ++i) {
    Add(0);
  }
  index_->WaitForBackgroundWork();
  for (uint64_t key = 1; key <= 5; ++key) {
    ASSERT_OK_AND_ASSIGN(const std::vector<float> vector, index_->Vector(key));
    EXPECT_THAT(vector, ElementsAre(1, 0));
  }
  EXPECT_THAT(index_->Vector(6), StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(SegmentedIndexTest, RefusesABadStepAndStaysAsItWas) {
  Add(0.1F);
  const std::vector<float> good = {0, 1};
  const std::vector<float> long_vector = {0, 1, 0};
  const std::vector<float> infinite = {0, std::numeric_limits<float>::infinity()};
  const auto refused = StatusIs(absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(index_->Apply({{2, long_vector}}, {}, 2), refused);
  EXPECT_THAT(index_->Apply({{2, infinite}}, {}, 2), refused);
  EXPECT_THAT(index_->Apply({{1, good}}, {}, 2), refused);
  EXPECT_THAT(index_->Apply({{3, good}, {2, good}}, {}, 3), refused);
  EXPECT_THAT(index_->Apply({{3, good}}, {}, 2), refused);
  EXPECT_THAT(index_->Apply({}, {{1, 1}}, 2), refused);
  EXPECT_THAT(index_->Apply({}, {{1, 3}}, 2), refused);
  EXPECT_THAT(index_->Apply({}, {}, 0), refused);
  EXPECT_EQ(index_->applied_sequence(), 1U);
  EXPECT_THAT(Nearest(5), ElementsAre(1));
}

TEST_P(SegmentedIndexTest, RefusesABadSearch) {
  const auto refused = StatusIs(absl::StatusCode::kInvalidArgument);
  IndexSearchOptions options;
  EXPECT_THAT(index_->Search({}, options), refused);
  EXPECT_THAT(index_->Search({1, 0, 0}, options), refused);
  EXPECT_THAT(index_->Search({std::numeric_limits<float>::quiet_NaN(), 0}, options), refused);
  options.ef_search = -1;
  EXPECT_THAT(index_->Search({1, 0}, options), refused);
  options.ef_search = 0;
  options.top_k = 0;
  EXPECT_THAT(index_->Search({1, 0}, options), refused);
}

TEST_P(SegmentedIndexTest, ComesBackFromDiskWithTheRowsThatTheCallerCallsAlive) {
  for (int i = 0; i < 7; ++i) {
    Add(0.1F * static_cast<float>(i));
  }
  index_->WaitForBackgroundWork();
  Open({1, 2, 4, 6}, 6);
  EXPECT_EQ(index_->applied_sequence(), 6U);
  EXPECT_THAT(index_->missing_keys(), IsEmpty());
  EXPECT_THAT(Nearest(10), ElementsAre(1, 2, 4, 6));
}

TEST_P(SegmentedIndexTest, ForgetsRowsBeyondTheSequenceItIsOpenedAt) {
  for (int i = 0; i < 5; ++i) {
    Add(0.1F * static_cast<float>(i));
  }
  index_->WaitForBackgroundWork();
  Open({1, 2, 3}, 3);
  EXPECT_EQ(Add(1.0F), 4U);  // The number of a forgotten row, with another vector.
  EXPECT_THAT(Nearest(10), ElementsAre(1, 2, 3, 4));
  ASSERT_OK_AND_ASSIGN(const std::vector<float> vector, index_->Vector(4));
  EXPECT_THAT(vector, ElementsAre(std::cos(1.0F), std::sin(1.0F)));
  index_->WaitForBackgroundWork();
  Open({1, 2, 3, 4}, 4);
  ASSERT_OK_AND_ASSIGN(const std::vector<float> again, index_->Vector(4));
  EXPECT_EQ(again, vector);
}

TEST_P(SegmentedIndexTest, NamesMissingRowsAndTakesThem) {
  Add(0);
  Add(0.2F);
  Open({1, 2, 4, 5, 9}, 9);
  EXPECT_THAT(index_->missing_keys(), ElementsAre(4, 5, 9));
  const std::vector<float> vector = {1, 0};
  EXPECT_THAT(index_->AddMissing({{3, vector}}), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_OK(index_->AddMissing({{9, vector}, {4, vector}}));
  EXPECT_OK(index_->AddMissing({{5, vector}}));
  EXPECT_THAT(Nearest(10), ElementsAre(1, 4, 5, 9, 2));
  Delete(5);
  Delete(9);
  index_->WaitForBackgroundWork();
  EXPECT_THAT(Nearest(10), ElementsAre(1, 4, 2));
  Open({1, 2, 4}, 11);
  EXPECT_THAT(index_->missing_keys(), IsEmpty());
}

TEST_P(SegmentedIndexTest, RefusesTheDirectoryOfAnotherDimension) {
  Add(0);
  index_.reset();
  SegmentedIndexOptions options = Options();
  options.dimension = 3;
  EXPECT_THAT(SegmentedIndex::Open(dir_.path(), options, {}, 0), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_P(SegmentedIndexTest, RefusesADirectoryThatIsOpen) {
  EXPECT_THAT(SegmentedIndex::Open(dir_.path(), Options(), {}, 0), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_P(SegmentedIndexTest, RefusesLiveKeysThatMakeNoSense) {
  const auto refused = StatusIs(absl::StatusCode::kInvalidArgument);
  const TempDir other;
  EXPECT_THAT(SegmentedIndex::Open(other.path(), Options(), {2, 1}, 5), refused);
  EXPECT_THAT(SegmentedIndex::Open(other.path(), Options(), {1, 1}, 5), refused);
  EXPECT_THAT(SegmentedIndex::Open(other.path(), Options(), {6}, 5), refused);
}

TEST_P(SegmentedIndexTest, KeepsFewSegmentsAndFewFiles) {
  constexpr int kRows = 300;
  for (int i = 0; i < kRows; ++i) {
    Add(0.001F * static_cast<float>(i));
  }
  index_->WaitForBackgroundWork();
  const IndexStats stats = index_->Stats();
  EXPECT_EQ(stats.live_rows, kRows);
  EXPECT_LE(stats.sealed_segments, 10);  // One per power of two.
  EXPECT_LE(stats.growing_rows, Options().seal_rows);
  ASSERT_OK_AND_ASSIGN(const std::vector<std::string> names, ListDirectory(dir_.path()));
  EXPECT_THAT(names, SizeIs(stats.sealed_segments + 3)) << "MANIFEST, LOCK and the log";
}

TEST_P(SegmentedIndexTest, StopsWaitingForASealWithoutLosingARow) {
  const uint64_t first = Add(0);
  const uint64_t second = Add(0.2F);
  EXPECT_THAT(index_->SealWhile([] { return false; }), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_THAT(Nearest(10), ElementsAre(first, second));
  Open({first, second}, second);
  EXPECT_THAT(index_->missing_keys(), IsEmpty());
  EXPECT_OK(index_->SealWhile([] { return true; }));
  EXPECT_EQ(index_->Stats().growing_rows, 0);
  EXPECT_THAT(Nearest(10), ElementsAre(first, second));
}

TEST_P(SegmentedIndexTest, DropsDeletedRowsWithoutNewOnes) {
  for (int i = 0; i < 50; ++i) {
    Add(0.01F * static_cast<float>(i));
  }
  for (uint64_t key = 1; key <= 50; ++key) {
    Delete(key);
  }
  index_->WaitForBackgroundWork();
  EXPECT_THAT(Nearest(5), IsEmpty());
  EXPECT_EQ(index_->Stats().sealed_segments, 0);
  EXPECT_LE(index_->Stats().tombstone_rows, Options().seal_rows) << "those of the growing segment";
}

TEST_P(SegmentedIndexTest, RemovesWhatACrashLeftOver) {
  Add(0);
  index_.reset();
  for (const char* name : {"000999.segment", "000998.log", "MANIFEST.tmp.17"}) {
    ASSERT_OK(WriteFileAtomically(dir_.Join(name), "half"));
  }
  ASSERT_OK(WriteFileAtomically(dir_.Join("notes.txt"), "not ours"));
  Open({1}, 1);
  EXPECT_THAT(Nearest(5), ElementsAre(1));
  EXPECT_FALSE(PathExists(dir_.Join("000999.segment")));
  EXPECT_FALSE(PathExists(dir_.Join("000998.log")));
  EXPECT_FALSE(PathExists(dir_.Join("MANIFEST.tmp.17")));
  EXPECT_TRUE(PathExists(dir_.Join("notes.txt")));
}

INSTANTIATE_TEST_SUITE_P(Kinds, SegmentedIndexTest,
                         ::testing::Combine(::testing::ValuesIn(kAllKinds), ::testing::Values(1, 4, 1000)));

TEST(SegmentedIndexOptions, NamesTheFieldThatIsOutOfRange) {
  SegmentedIndexOptions options;
  EXPECT_THAT(options.Validate(), StatusIs(absl::StatusCode::kInvalidArgument));
  options.dimension = 4096;
  EXPECT_OK(options.Validate());
  options.hnsw_ef_construction = 3;
  EXPECT_THAT(options.Validate(), ::semblance::testing::StatusMessage(::testing::HasSubstr("hnsw_ef_construction")));
}

}  // namespace
}  // namespace semblance::index
