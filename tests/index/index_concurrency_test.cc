// Searches run beside writes and merges. All segments are exact, because ThreadSanitizer does not understand OpenMP.
#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/segmented_index.h"
#include "index/segments/segment_list.h"
#include "tests/index/index_oracle.h"
#include "tests/index/index_script.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::index {
namespace {

using ::testing::ElementsAreArray;

constexpr int kDimension = 8;
constexpr int kSteps = 1500;
constexpr int kTopK = 10;

class IndexConcurrencyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    SegmentedIndexOptions options;
    options.dimension = kDimension;
    options.spec.kind = IndexSpec::Kind::kFlat;
    options.seal_rows = 50;
    auto index = SegmentedIndex::Open(dir_.path(), options, {}, 0);
    ASSERT_OK(index);
    index_ = *std::move(index);
    for (int i = 0; i < kSteps; ++i) {
      steps_.push_back(script_.Next(8));
      oracle_.Apply(steps_.back().adds, steps_.back().deletes);
    }
  }

  void Write() {
    for (int i = 0; i < kSteps; ++i) {
      EXPECT_OK(index_->Apply(steps_[i].adds, steps_[i].deletes, steps_[i].sequence));
      // Otherwise the readers would see too little. A lock here would order the threads, and ThreadSanitizer would see fewer races.
      while (searches_ < i / 2 && !HasFailure()) {
        std::this_thread::yield();
      }
    }
    done_ = true;
  }

  // Every answer must be correct for the sequence that it names, and sequences must never go back.
  void SearchUntilDone(unsigned seed) {
    RandomVectors random(kDimension, 0, seed);
    uint64_t last = 0;
    bool last_round = false;
    while (!last_round) {
      last_round = done_;
      const std::vector<float> query = random.Next();
      const auto found = index_->Search(query, {kTopK, 0});
      ASSERT_OK(found);
      ASSERT_GE(found->applied_sequence, last);
      last = found->applied_sequence;
      ++searches_;
      ASSERT_THAT(found->neighbors.at(0), ElementsAreArray(oracle_.Search(query, kTopK, last)));
    }
    EXPECT_EQ(last, steps_.back().sequence);
  }

  // Reads everything else that may be read at any time.
  void ReadUntilDone() {
    while (!done_) {
      const IndexStats stats = index_->Stats();
      EXPECT_GE(stats.live_rows, 0);
      const auto vector = index_->Vector(index_->applied_sequence());
      EXPECT_TRUE(vector.ok() || absl::IsNotFound(vector.status()));
    }
  }

  testing::TempDir dir_;
  std::unique_ptr<SegmentedIndex> index_;
  IndexScript script_{kDimension, 5, 1};
  std::vector<IndexStep> steps_;
  IndexOracle oracle_;  // Of all steps: it answers for every sequence.
  std::atomic<int> searches_{0};
  std::atomic<bool> done_{false};
};

TEST_F(IndexConcurrencyTest, EverySearchSeesExactlyTheSequenceThatItNames) {
  std::vector<std::thread> readers;
  readers.emplace_back([this] { SearchUntilDone(2); });
  readers.emplace_back([this] { SearchUntilDone(3); });
  readers.emplace_back([this] { ReadUntilDone(); });
  Write();
  for (std::thread& reader : readers) {
    reader.join();
  }
  index_->WaitForBackgroundWork();
  EXPECT_GT(index_->Stats().sealed_segments, 0);
}

// Rows are few and every row makes a new segment, so short searches meet every moment of a step and of a merge.
TEST(IndexConcurrency, AlwaysShowsTheWindowOfRowsThatSlidesThroughManySegments) {
  constexpr uint64_t kWindow = 4;
  constexpr uint64_t kLast = 3000;
  const testing::TempDir dir;
  SegmentedIndexOptions options;
  options.dimension = 1;
  options.spec.kind = IndexSpec::Kind::kFlat;
  options.seal_rows = 1;
  ASSERT_OK_AND_ASSIGN(const auto index, SegmentedIndex::Open(dir.path(), options, {}, 0));
  const auto search_until_last = [&index] {
    for (uint64_t sequence = 0; sequence < kLast;) {
      const auto found = index->Search({1}, {.top_k = 100});
      ASSERT_OK(found);
      sequence = found->applied_sequence;
      std::vector<ScoredKey> expected;
      for (uint64_t key = sequence > kWindow ? sequence - kWindow + 1 : 1; key <= sequence; ++key) {
        expected.push_back({key, 1});
      }
      ASSERT_EQ(found->neighbors.at(0), expected) << "at " << sequence;
    }
  };
  std::thread first(search_until_last);
  std::thread second(search_until_last);
  const std::vector<float> vector = {1};
  for (uint64_t key = 1; key <= kLast; ++key) {
    const IndexDelete oldest = {key > kWindow ? key - kWindow : 0, key};
    ASSERT_OK(index->Apply({{key, vector}}, {oldest}, key));
  }
  first.join();
  second.join();
}

TEST(SegmentView, IsTakenAgainUntilTheListAnswersForItsSequence) {
  std::atomic<uint64_t> applied{3};
  CurrentSegments segments;
  auto list = std::make_shared<SegmentList>();
  list->oldest_sequence = 5;
  segments.Store(list);
  std::atomic<bool> started{false};
  SegmentView view;
  std::thread search([&] {
    started = true;
    started.notify_one();
    view = TakeView(applied, segments);
  });
  started.wait(false);
  applied = 5;
  search.join();
  EXPECT_EQ(view.sequence, 5U);
  EXPECT_EQ(view.list, list);
}

TEST_F(IndexConcurrencyTest, ClosesWhileAMergeRuns) {
  for (const IndexStep& step : steps_) {
    ASSERT_OK(index_->Apply(step.adds, step.deletes, step.sequence));
  }
  index_.reset();
  SegmentedIndexOptions options;
  options.dimension = kDimension;
  const auto again = SegmentedIndex::Open(dir_.path(), options, oracle_.LiveKeys(), steps_.back().sequence);
  ASSERT_OK(again);
  EXPECT_THAT((*again)->missing_keys(), ::testing::IsEmpty());
}

}  // namespace
}  // namespace semblance::index
