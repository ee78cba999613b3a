#include "index/segments/sealed_segment.h"

#include <algorithm>
#include <memory>
#include <stop_token>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/index/index_kinds.h"
#include "tests/index/index_oracle.h"
#include "tests/index/random_vectors.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::index {
namespace {

using ::semblance::testing::StatusIs;
using ::testing::ElementsAreArray;

constexpr int kDimension = 16;
constexpr int kRows = 5000;
constexpr int kTopK = 10;

// The segment is so large that a search uses its graph, because a walk costs less than a scan.
class SealedSegmentTest : public ::testing::Test {
 protected:
  static constexpr int kEf = 60;

  void SetUp() override {
    options_.dimension = kDimension;
    options_.spec = testing::SpecOf("HNSW8");
    options_.hnsw_ef_construction = 60;
    for (uint64_t row = 0; row < kRows; ++row) {
      rows_.push_back({row + 1, absl::MakeConstSpan(vectors_).subspan(row * kDimension, kDimension)});
    }
    oracle_.Apply(rows_, {});
    auto segment = SealedSegment::Build(1, options_, rows_, kRows, stop_.get_token());
    ASSERT_OK(segment);
    segment_ = *std::move(segment);
  }

  std::vector<ScoredKey> Search(const std::vector<float>& query, uint64_t sequence) const {
    TopRows top(kTopK);
    segment_->Search({.vector = query.data(), .sequence = sequence, .top_k = kTopK, .ef_search = kEf}, &top);
    return top.Take();
  }

  void Delete(uint64_t key, uint64_t at) {
    segment_->Delete(segment_->Find(key), at);
    oracle_.Apply({}, {{key, at}});
  }

  double Recall(uint64_t sequence, int ef = kEf) {
    size_t hits = 0;
    for (int i = 0; i < 100; ++i) {
      const std::vector<float> query = random_.Next();
      TopRows top(kTopK);
      segment_->Search({.vector = query.data(), .sequence = sequence, .top_k = kTopK, .ef_search = ef}, &top);
      const std::vector<ScoredKey> expected = oracle_.Search(query, kTopK, sequence);
      for (const ScoredKey& row : top.Take()) {
        hits += std::count(expected.begin(), expected.end(), row);
      }
    }
    return static_cast<double>(hits) / (100 * kTopK);
  }

  SegmentedIndexOptions options_;
  RandomVectors random_{kDimension, 0, 1};
  const std::vector<float> vectors_ = random_.Rows(kRows);
  std::vector<IndexAdd> rows_;
  IndexOracle oracle_;
  std::stop_source stop_;
  std::unique_ptr<SealedSegment> segment_;
};

TEST_F(SealedSegmentTest, FindsNearlyAllNeighborsAndIsNoScan) {
  EXPECT_GE(Recall(kRows), 0.95);
  EXPECT_LT(Recall(kRows, kTopK), 1.0) << "if every row is looked at, the graph is not tested";
}

TEST_F(SealedSegmentTest, LooksAtEveryRowWhenAskedTo) {
  for (int i = 0; i < 20; ++i) {
    const std::vector<float> query = random_.Next();
    TopRows top(kTopK);
    segment_->Search({.vector = query.data(), .sequence = kRows, .top_k = kTopK, .exact = true}, &top);
    EXPECT_THAT(top.Take(), ElementsAreArray(oracle_.Search(query, kTopK, kRows)));
  }
}

TEST_F(SealedSegmentTest, PassesThroughDeletedRows) {
  for (uint64_t key = 1; key <= kRows; key += 3) {
    Delete(key, kRows + 1);
  }
  EXPECT_GE(Recall(kRows + 1), 0.95);
  EXPECT_GE(Recall(kRows), 0.95) << "an earlier sequence still shows them";
}

TEST_F(SealedSegmentTest, NeverReturnsADeletedRowThoughAllNearOnesAre) {
  const std::vector<float> query = random_.Next();
  for (const ScoredKey& row : oracle_.Search(query, kRows / 4, kRows)) {
    Delete(row.key, kRows + 1);
  }
  const std::vector<ScoredKey> found = Search(query, kRows + 1);
  EXPECT_THAT(oracle_.Search(query, kRows, kRows + 1), ::testing::IsSupersetOf(found));
  EXPECT_EQ(found.size(), static_cast<size_t>(kTopK));
}

TEST_F(SealedSegmentTest, LooksAtEveryRowWhenFewAreAlive) {
  for (uint64_t key = 1; key <= kRows; ++key) {
    if (key % 50 != 0) {
      Delete(key, kRows + 1);
    }
  }
  for (int i = 0; i < 20; ++i) {
    const std::vector<float> query = random_.Next();
    EXPECT_THAT(Search(query, kRows + 1), ElementsAreArray(oracle_.Search(query, kTopK, kRows + 1)));
  }
}

TEST_F(SealedSegmentTest, FindsTheSameAfterAWayThroughAFile) {
  const testing::TempDir dir;
  ASSERT_OK(segment_->Write(dir.Join("segment")));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<SealedSegment> again, SealedSegment::Open(1, kDimension, dir.Join("segment")));
  const std::vector<float> query = random_.Next();
  TopRows top(kTopK);
  again->Search({.vector = query.data(), .sequence = kRows, .top_k = kTopK, .ef_search = kEf}, &top);
  EXPECT_THAT(top.Take(), ElementsAreArray(Search(query, kRows)));
  EXPECT_THAT(SealedSegment::Open(1, kDimension + 1, dir.Join("segment")), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(SealedSegmentTest, StopsBuildingWhenTold) {
  stop_.request_stop();
  EXPECT_THAT(SealedSegment::Build(1, options_, rows_, kRows, stop_.get_token()), StatusIs(absl::StatusCode::kCancelled));
}

}  // namespace
}  // namespace semblance::index
