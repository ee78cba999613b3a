// Runs random scripts over the index and over a std::map. The answers must agree, also after a restart and after a crash.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/segmented_index.h"
#include "tests/index/index_kinds.h"
#include "tests/index/index_oracle.h"
#include "tests/index/index_script.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::index {
namespace {

using ::semblance::testing::SpecOf;
using ::semblance::testing::TempDir;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;

constexpr int kTopK = 10;

class IndexModelTest : public ::testing::Test {
 protected:
  void Open(const SegmentedIndexOptions& options) {
    index_.reset();
    auto index = SegmentedIndex::Open(directory_->path(), options, oracle_.LiveKeys(), sequence_);
    ASSERT_OK(index);
    index_ = *std::move(index);
    EXPECT_THAT(index_->missing_keys(), IsEmpty());
  }

  // Copies the present state to a new directory, as if the process had ended now.
  void Crash(const SegmentedIndexOptions& options) {
    index_->WaitForBackgroundWork();  // Or files would go while they are copied.
    auto copy = std::make_unique<TempDir>();
    std::filesystem::copy(directory_->path(), copy->path(),
                          std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing);
    index_.reset();
    directory_ = std::move(copy);
    Open(options);
  }

  void Apply(const IndexStep& step) {
    ASSERT_OK(index_->Apply(step.adds, step.deletes, step.sequence));
    oracle_.Apply(step.adds, step.deletes);
    sequence_ = step.sequence;
  }

  std::vector<ScoredKey> Search(const std::vector<float>& query) {
    IndexSearchOptions options;
    options.top_k = kTopK;
    const auto found = index_->Search(query, options);
    EXPECT_OK(found);
    EXPECT_EQ(found->applied_sequence, sequence_);
    return found->neighbors.at(0);
  }

  std::vector<ScoredKey> Expected(const std::vector<float>& query) const { return oracle_.Search(query, kTopK, sequence_); }

  std::unique_ptr<TempDir> directory_ = std::make_unique<TempDir>();
  std::unique_ptr<SegmentedIndex> index_;
  IndexOracle oracle_;
  uint64_t sequence_ = 0;
};

class ExactIndexModelTest : public IndexModelTest, public ::testing::WithParamInterface<int> {};

TEST_P(ExactIndexModelTest, AgreesWithBruteForceAlways) {
  SegmentedIndexOptions options;
  options.dimension = 5;
  options.spec = SpecOf("Flat");
  options.seal_rows = GetParam();
  IndexScript script(options.dimension, 3, GetParam());
  ASSERT_NO_FATAL_FAILURE(Open(options));
  for (int step = 0; step < 400; ++step) {
    ASSERT_NO_FATAL_FAILURE(Apply(script.Next(5)));
    const std::vector<float> query = script.Query();
    ASSERT_THAT(Search(query), ElementsAreArray(Expected(query))) << "step " << step;
    const int event = script.Below(40);
    if (event == 0) {
      ASSERT_NO_FATAL_FAILURE(Open(options));
    } else if (event == 1) {
      ASSERT_NO_FATAL_FAILURE(Crash(options));
    }
  }
  for (const uint64_t key : oracle_.LiveKeys()) {
    ASSERT_OK_AND_ASSIGN(const std::vector<float> vector, index_->Vector(key));
    EXPECT_EQ(vector, oracle_.Vector(key));
  }
}

INSTANTIATE_TEST_SUITE_P(SealRows, ExactIndexModelTest, ::testing::Values(1, 2, 7, 64, 10000));

class HnswIndexModelTest : public IndexModelTest {
 protected:
  static SegmentedIndexOptions Options() {
    SegmentedIndexOptions options;
    options.dimension = 16;
    options.seal_rows = 1000;
    options.spec = SpecOf("HNSW8");
    options.hnsw_ef_construction = 60;
    return options;
  }

  // Returns the share of the true neighbors that are found. Expects that every found row is alive and has its score.
  double Recall(IndexScript* script, int queries) {
    int found_count = 0;
    int expected_count = 0;
    for (int i = 0; i < queries; ++i) {
      const std::vector<float> query = script->Query();
      const std::vector<ScoredKey> all = oracle_.Search(query, 1 << 20, sequence_);
      const std::vector<ScoredKey> found = Search(query);
      EXPECT_THAT(all, ::testing::IsSupersetOf(found));
      expected_count += std::min<int>(kTopK, static_cast<int>(all.size()));
      for (const ScoredKey& row : found) {
        found_count += row.score >= all[std::min<size_t>(kTopK, all.size()) - 1].score;
      }
    }
    return static_cast<double>(found_count) / expected_count;
  }
};

TEST_F(HnswIndexModelTest, FindsNearlyAllNeighborsThroughWritesRestartsAndCrashes) {
  IndexScript script(Options().dimension, 40, 1);
  ASSERT_NO_FATAL_FAILURE(Open(Options()));
  for (int round = 0; round < 12; ++round) {
    for (int step = 0; step < 20; ++step) {
      ASSERT_NO_FATAL_FAILURE(Apply(script.Next(100)));
    }
    EXPECT_GE(Recall(&script, 20), 0.95) << "round " << round;
    if (round % 4 == 1) {
      ASSERT_NO_FATAL_FAILURE(Open(Options()));
    } else if (round % 4 == 3) {
      ASSERT_NO_FATAL_FAILURE(Crash(Options()));
    }
  }
  index_->WaitForBackgroundWork();
  EXPECT_GT(index_->Stats().sealed_segments, 0);
  EXPECT_GE(Recall(&script, 100), 0.95);
}

// The rows nearest to the query are deleted, so the graph is asked for more rows, and finally every row is compared.
TEST_F(HnswIndexModelTest, FindsWhatIsAliveAmongManyDeletedRows) {
  SegmentedIndexOptions options = Options();
  options.seal_rows = 4000;
  IndexScript script(options.dimension, 4, 2);
  ASSERT_NO_FATAL_FAILURE(Open(options));
  while (index_->Stats().sealed_segments == 0) {
    ASSERT_NO_FATAL_FAILURE(Apply(script.Next(500)));
    index_->WaitForBackgroundWork();
  }
  const std::vector<float> query = script.Query();
  for (int round = 0; round < 30; ++round) {
    IndexStep step;
    step.sequence = sequence_ + 1;
    for (const ScoredKey& row : oracle_.Search(query, 50, sequence_)) {
      step.deletes.push_back({row.key, step.sequence});
    }
    ASSERT_NO_FATAL_FAILURE(Apply(step));
    EXPECT_THAT(Search(query), ElementsAreArray(Expected(query))) << "round " << round;
  }
}

TEST_F(HnswIndexModelTest, MoreCandidatesFindMore) {
  SegmentedIndexOptions options = Options();
  options.hnsw_ef_construction = 10;
  options.spec = SpecOf("HNSW4");
  options.seal_rows = 6000;
  IndexScript script(options.dimension, 0, 3);
  ASSERT_NO_FATAL_FAILURE(Open(options));
  while (index_->Stats().sealed_segments == 0) {
    ASSERT_NO_FATAL_FAILURE(Apply(script.Next(500)));
    index_->WaitForBackgroundWork();
  }
  int few = 0;
  int many = 0;
  for (int i = 0; i < 50; ++i) {
    const std::vector<float> query = script.Query();
    const std::vector<ScoredKey> expected = Expected(query);
    const auto hits = [&](int ef_search) {
      const auto found = index_->Search(query, {.top_k = kTopK, .ef_search = ef_search});
      EXPECT_OK(found);
      return std::count_if(found->neighbors[0].begin(), found->neighbors[0].end(),
                           [&](const ScoredKey& row) { return row.score >= expected.back().score; });
    };
    few += static_cast<int>(hits(10));
    many += static_cast<int>(hits(100));
  }
  EXPECT_GT(many, few);
}

}  // namespace
}  // namespace semblance::index
