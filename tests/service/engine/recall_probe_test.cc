#include "service/engine/recall_probe.h"

#include <atomic>
#include <utility>

#include "common/threads/condition.h"
#include "common/threads/mutex.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/engine/fake_engine_metrics.h"

namespace semblance::service {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

constexpr uint64_t kSequence = 7;
constexpr int kTopK = 3;

// An index that gives one answer to every exact search, and a gate that holds searches back. Thread-safe.
class FakeIndex final : public index::VectorIndex {
 public:
  explicit FakeIndex(std::vector<index::ScoredKey> rows) : rows_(std::move(rows)) {}

  int dimension() const override { return 1; }
  absl::Status Apply(absl::Span<const index::IndexAdd>, absl::Span<const index::IndexDelete>, uint64_t sequence) override {
    sequence_ = sequence;
    return absl::OkStatus();
  }
  uint64_t applied_sequence() const override { return sequence_; }
  std::unique_ptr<const index::IndexSnapshot> Snapshot() const override { return std::make_unique<FakeSnapshot>(this); }
  index::IndexStats Stats() const override { return {}; }

  void SetGate(bool closed) {
    MutexLock lock(&mutex_);
    gate_closed_ = closed;
    changed_.NotifyAll();
  }
  void AwaitSearches(int count) const {
    MutexLock lock(&mutex_);
    changed_.Wait(mutex_, /*stop=*/{}, [this, count]() SEMBLANCE_REQUIRES(mutex_) { return searches_ >= count; });
  }
  int searches() const {
    MutexLock lock(&mutex_);
    return searches_;
  }

 private:
  class FakeSnapshot final : public index::IndexSnapshot {
   public:
    explicit FakeSnapshot(const FakeIndex* index) : index_(*index), sequence_(index->sequence_) {}

    uint64_t applied_sequence() const override { return sequence_; }
    absl::StatusOr<std::vector<float>> Vector(uint64_t) const override { return absl::UnimplementedError("fake"); }
    absl::StatusOr<index::IndexSearchResult> Search(absl::Span<const float>,
                                                    const index::IndexSearchOptions& options) const override {
      EXPECT_TRUE(options.exact);
      EXPECT_EQ(options.top_k, kTopK);
      index_.PassGate();
      return index::IndexSearchResult{.neighbors = {index_.rows_}, .applied_sequence = sequence_};
    }

   private:
    const FakeIndex& index_;
    const uint64_t sequence_;
  };

  void PassGate() const {
    MutexLock lock(&mutex_);
    ++searches_;
    changed_.NotifyAll();
    changed_.Wait(mutex_, /*stop=*/{}, [this]() SEMBLANCE_REQUIRES(mutex_) { return !gate_closed_; });
  }

  const std::vector<index::ScoredKey> rows_;
  std::atomic<uint64_t> sequence_{kSequence};
  mutable Mutex mutex_;
  mutable Condition changed_;
  bool gate_closed_ SEMBLANCE_GUARDED_BY(mutex_) = false;
  mutable int searches_ SEMBLANCE_GUARDED_BY(mutex_) = 0;
};

class RecallProbeTest : public ::testing::Test {
 protected:
  void Start(int one_in, int rest_ratio = 0) {
    probe_ = std::make_unique<RecallProbe>(RecallProbeOptions{.one_in = one_in, .rest_ratio = rest_ratio, .metrics = &metrics_});
  }

  RecallSample SampleOf(std::vector<index::ScoredKey> live) const {
    return {.index = index_, .query = {1}, .top_k = kTopK, .neighbors = std::move(live), .applied_sequence = kSequence};
  }

  // Adds an answer to the probe and waits until it is counted.
  void Probe(std::vector<index::ScoredKey> live) {
    EXPECT_TRUE(probe_->TryAdd(SampleOf(std::move(live))));
    recalls_ = metrics_.AwaitRecalls(recalls_.size() + 1);
  }

  const std::vector<index::ScoredKey> nearest_ = {{1, 0.9F}, {2, 0.8F}, {3, 0.7F}};
  std::shared_ptr<FakeIndex> index_ = std::make_shared<FakeIndex>(nearest_);
  semblance::testing::FakeEngineMetrics metrics_;
  // Returns all recalls up to the last call of Probe.
  std::vector<std::pair<int, int>> recalls_;
  std::unique_ptr<RecallProbe> probe_;
};

TEST_F(RecallProbeTest, IsOneWhileAnswersHaveTheNearestRows) {
  Start(1);
  EXPECT_EQ(probe_->stats().recall, std::nullopt);
  Probe(nearest_);
  EXPECT_EQ(probe_->stats().recall, 1);
  EXPECT_EQ(probe_->stats().probes, 1);
  EXPECT_THAT(recalls_, ElementsAre(Pair(3, 3)));
}

TEST_F(RecallProbeTest, FallsWithEveryNeighborThatAnAnswerMisses) {
  Start(1);
  Probe({{1, 0.9F}, {4, 0.6F}, {5, 0.5F}});
  EXPECT_EQ(probe_->stats().recall, 1.0 / 3);
  Probe({{2, 0.8F}});
  EXPECT_EQ(probe_->stats().recall, 2.0 / 6);
  Probe({});
  EXPECT_EQ(probe_->stats().recall, 2.0 / 9);
  EXPECT_THAT(recalls_, ElementsAre(Pair(3, 1), Pair(3, 1), Pair(3, 0)));
}

TEST_F(RecallProbeTest, CountsOnlyTheRowsThatWereAskedFor) {
  Start(1);
  Probe({{1, 0.9F}, {2, 0.8F}, {4, 0.6F}, {3, 0.7F}});
  EXPECT_EQ(probe_->stats().recall, 2.0 / 3);
}

TEST_F(RecallProbeTest, AnyOfEquallyNearRowsIsRight) {
  Start(1);
  Probe({{1, 0.9F}, {2, 0.8F}, {4, 0.7F - 5e-7F}});
  EXPECT_EQ(probe_->stats().recall, 1);
}

TEST_F(RecallProbeTest, ExpectsNoMoreThanTheIndexHolds) {
  index_ = std::make_shared<FakeIndex>(std::vector<index::ScoredKey>{{1, 0.9F}});
  Start(1);
  Probe({{1, 0.9F}});
  EXPECT_EQ(probe_->stats().recall, 1);
  EXPECT_THAT(recalls_, ElementsAre(Pair(1, 1)));
}

TEST_F(RecallProbeTest, ForgetsAllButTheLastThousandNeighbors) {
  Start(1);
  Probe({});
  for (int i = 0; i < 333; ++i) {
    Probe(nearest_);
  }
  EXPECT_LT(*probe_->stats().recall, 1) << "999 neighbors came after it";
  Probe(nearest_);
  EXPECT_EQ(probe_->stats().recall, 1);
  EXPECT_EQ(probe_->stats().probes, 335);
}

TEST_F(RecallProbeTest, DropsAnswersFromAStateThatIsGone) {
  Start(1);
  // The index has left that state before the search begins.
  RecallSample old = SampleOf({});
  old.applied_sequence = kSequence - 1;
  EXPECT_TRUE(probe_->TryAdd(old));
  Probe(nearest_);
  EXPECT_EQ(index_->searches(), 1);
  EXPECT_EQ(probe_->stats().probes, 1);
  EXPECT_EQ(probe_->stats().recall, 1);
}

TEST_F(RecallProbeTest, CountsAnAnswerWhoseStateIsLeftDuringTheSearch) {
  Start(1);
  index_->SetGate(true);
  EXPECT_TRUE(probe_->TryAdd(SampleOf(nearest_)));
  index_->AwaitSearches(1);
  EXPECT_TRUE(index_->Apply({}, {}, kSequence + 1).ok());
  index_->SetGate(false);
  metrics_.AwaitRecalls(1);
  EXPECT_EQ(probe_->stats().recall, 1);
}

TEST_F(RecallProbeTest, DropsWhatDoesNotFitInTheQueue) {
  Start(1);
  index_->SetGate(true);
  EXPECT_TRUE(probe_->TryAdd(SampleOf(nearest_)));
  index_->AwaitSearches(1);
  for (size_t i = 0; i < RecallProbe::kMaxWaiting; ++i) {
    EXPECT_TRUE(probe_->TryAdd(SampleOf(nearest_)));
  }
  EXPECT_FALSE(probe_->TryAdd(SampleOf(nearest_)));
  index_->SetGate(false);
  index_->AwaitSearches(1 + RecallProbe::kMaxWaiting);
}

TEST_F(RecallProbeTest, TakesOneQueryInN) {
  Start(3);
  for (int i = 1; i <= 9; ++i) {
    EXPECT_EQ(probe_->IsDue(), i % 3 == 0) << i;
  }
}

TEST_F(RecallProbeTest, DoesNothingWhenItIsOff) {
  Start(0);
  for (int i = 0; i < 200; ++i) {
    EXPECT_FALSE(probe_->IsDue());
  }
  EXPECT_EQ(probe_->stats().recall, std::nullopt);
}

// The rest is so long that the test would not end if the destructor waited for it.
TEST_F(RecallProbeTest, RestsAfterASearchAndStopsAtOnceAllTheSame) {
  Start(1, 1'000'000'000);
  Probe(nearest_);
  EXPECT_TRUE(probe_->TryAdd(SampleOf(nearest_)));
  probe_.reset();
  EXPECT_EQ(index_->searches(), 1);
  EXPECT_EQ(index_.use_count(), 1) << "samples that waited are dropped";
}

}  // namespace
}  // namespace semblance::service
