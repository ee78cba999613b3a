// Tests search options for every kind of index: recall, certain keys only, and comparison with every row.
#include <algorithm>
#include <memory>
#include <random>
#include <vector>

#include "index/segmented_index.h"
#include "tests/index/index_kinds.h"
#include "tests/index/index_oracle.h"
#include "tests/index/random_vectors.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::index {
namespace {

using testing::SpecOf;
using testing::TempDir;

constexpr int kDimension = 16;
constexpr uint64_t kRows = 12'000;
constexpr int kTopK = 10;

class IndexSearchTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    options_.dimension = kDimension;
    options_.spec = SpecOf(GetParam());
    options_.seal_rows = kRows;
    options_.hnsw_ef_construction = 80;
    auto index = SegmentedIndex::Open(dir_.path(), options_, {}, 0);
    ASSERT_OK(index);
    index_ = *std::move(index);
    std::vector<IndexAdd> adds;
    for (uint64_t key = 1; key <= kRows; ++key) {
      adds.push_back({key, absl::MakeConstSpan(vectors_).subspan((key - 1) * kDimension, kDimension)});
    }
    ASSERT_OK(index_->Apply(adds, {}, kRows));
    ASSERT_OK(index_->Seal());
    ASSERT_EQ(index_->Stats().sealed_segments, 1);
    ASSERT_EQ(index_->Stats().growing_rows, 0);
    oracle_.Apply(adds, {});
  }

  // Returns the recall over 50 queries. Expects that every found row may be found.
  double Recall(IndexSearchOptions options) {
    options.top_k = kTopK;
    int hits = 0;
    int expected_count = 0;
    for (int i = 0; i < 50; ++i) {
      const std::vector<float> query = random_.Next();
      std::vector<ScoredKey> expected = oracle_.Search(query, 1 << 20, kRows);
      if (options.only != nullptr) {
        std::erase_if(expected, [&](const ScoredKey& one) { return !options.only->Contains(one.key); });
      }
      const auto found = index_->Search(query, options);
      EXPECT_OK(found);
      EXPECT_THAT(expected, ::testing::IsSupersetOf(found->neighbors[0]));
      expected.resize(std::min<size_t>(expected.size(), kTopK));
      expected_count += static_cast<int>(expected.size());
      for (const ScoredKey& one : found->neighbors[0]) {
        hits += std::count(expected.begin(), expected.end(), one) > 0 ? 1 : 0;
      }
    }
    return expected_count == 0 ? 1 : static_cast<double>(hits) / expected_count;
  }

  // Returns random keys. Each key is chosen with the probability `share`.
  KeySet RandomKeys(double share) {
    std::mt19937 random(7);
    std::bernoulli_distribution chosen(share);
    std::vector<uint64_t> keys;
    for (uint64_t key = 1; key <= kRows; ++key) {
      if (chosen(random)) {
        keys.push_back(key);
      }
    }
    return KeySet(std::move(keys));
  }

  const TempDir dir_;
  SegmentedIndexOptions options_;
  RandomVectors random_{kDimension, 0, 1};
  const std::vector<float> vectors_ = random_.Rows(kRows);
  IndexOracle oracle_;
  std::unique_ptr<SegmentedIndex> index_;
};

TEST_P(IndexSearchTest, ReachesTheTargetRecallByItself) {
  EXPECT_GE(Recall({}), 0.97);
}

TEST_P(IndexSearchTest, LooksAtEveryRowWhenAskedTo) {
  EXPECT_EQ(Recall({.exact = true}), 1);
}

TEST_P(IndexSearchTest, FindsTheNearestOfCertainKeysHoweverFew) {
  for (const double share : {0.9, 0.5, 0.1, 0.01, 0.001}) {
    const KeySet only = RandomKeys(share);
    EXPECT_GE(Recall({.only = &only}), share > 0.01 ? 0.97 : 0.99) << share;
    EXPECT_EQ(Recall({.exact = true, .only = &only}), 1) << share;
  }
  const KeySet none({});
  EXPECT_EQ(Recall({.only = &none}), 1);
  const KeySet unknown({kRows + 5, kRows + 9});
  EXPECT_EQ(Recall({.only = &unknown}), 1);
}

// The allowed rows are the farthest from the query, so a walk towards the query does not meet them.
TEST_P(IndexSearchTest, FindsCertainKeysThatLieFarFromTheQuery) {
  const std::vector<float> query = random_.Next();
  const std::vector<ScoredKey> all = oracle_.Search(query, kRows, kRows);
  std::vector<uint64_t> far;
  for (size_t i = all.size() - 600; i < all.size(); ++i) {
    far.push_back(all[i].key);
  }
  const KeySet only(std::move(far));
  const auto found = index_->Search(query, {.top_k = kTopK, .only = &only});
  ASSERT_OK(found);
  EXPECT_EQ(found->neighbors[0].size(), static_cast<size_t>(kTopK));
  EXPECT_EQ(found->neighbors[0].front(), all[all.size() - 600]);
}

TEST_P(IndexSearchTest, CombinesCertainKeysWithDeletions) {
  const KeySet only = RandomKeys(0.3);
  std::vector<IndexDelete> deletes;
  for (const uint64_t key : only.keys()) {
    if (key % 2 == 0) {
      deletes.push_back({key, kRows + 1});
    }
  }
  ASSERT_OK(index_->Apply({}, deletes, kRows + 1));
  const auto found = index_->Search(random_.Next(), {.top_k = 200, .only = &only});
  ASSERT_OK(found);
  EXPECT_EQ(found->neighbors[0].size(), 200u);
  for (const ScoredKey& one : found->neighbors[0]) {
    EXPECT_TRUE(only.Contains(one.key) && one.key % 2 == 1) << one.key;
  }
}

TEST_P(IndexSearchTest, TellsItsKindAndItsMemory) {
  const IndexStats stats = index_->Stats();
  ASSERT_EQ(stats.segments.size(), 1u);
  EXPECT_THAT(stats.segments[0], ::testing::HasSubstr(GetParam()));
  const int64_t vectors = static_cast<int64_t>(vectors_.size() * sizeof(float));
  if (options_.spec.mapped) {
    EXPECT_LT(stats.memory_bytes, int64_t{kRows} * 220) << "the vectors are in the file";
  } else {
    EXPECT_GT(stats.memory_bytes, vectors);
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, IndexSearchTest,
                         ::testing::Values("Flat", "HNSW16", "HNSW16,SQ8,RFlat", "IVF0,Flat", "IVF0,PQ8,RFlat"));

}  // namespace
}  // namespace semblance::index
