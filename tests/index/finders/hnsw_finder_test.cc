#include "index/finders/hnsw_finder.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/index/finders/finder_fixture.h"
#include "tests/testing/status_matchers.h"

namespace semblance::index {
namespace {

using ::semblance::testing::StatusIs;
using ::testing::AllOf;
using ::testing::Ge;
using ::testing::Le;

constexpr int kRows = 4000;

class HnswFinderTest : public FinderFixture {
 protected:
  void SetUp() override {
    options_.dimension = kDimension;
    options_.spec = {.kind = IndexSpec::Kind::kHnsw, .hnsw_m = 8};
    options_.hnsw_ef_construction = 60;
    options_.build_threads = 2;
  }

  std::unique_ptr<CandidateFinder> Build(const std::vector<float>& vectors) const {
    auto finder = BuildHnswFinder(options_, vectors.data(), static_cast<int64_t>(vectors.size()) / kDimension, stop_.get_token());
    EXPECT_OK(finder);
    return *std::move(finder);
  }

  static absl::StatusOr<std::unique_ptr<CandidateFinder>> Load(const SavedFinder& saved, int64_t rows = kRows) {
    const std::string file = saved.FileBytes();
    const auto sections = SegmentSections::Decode(file);
    EXPECT_OK(sections);
    return LoadHnswFinder(saved.description, *sections, kDimension, rows);
  }

  SegmentedIndexOptions options_;
  const std::vector<float> vectors_ = random_.Rows(kRows);
};

TEST_F(HnswFinderTest, ReachesTheTargetRecallAndSavesWhatItMeasured) {
  const auto finder = Build(vectors_);
  EXPECT_GE(Recall(*finder, vectors_), 0.97);
  const SavedFinder saved(*finder);
  EXPECT_GE(saved.description["hnsw"]["measured_recall"].get<double>(), options_.target_recall);
  EXPECT_THAT(saved.description["hnsw"]["ef_search"].get<int>(), AllOf(Ge(16), Le(1024)));
}

TEST_F(HnswFinderTest, NeedsMoreEffortForAHigherTarget) {
  options_.target_recall = 0.6;
  const SavedFinder low(*Build(vectors_));
  options_.target_recall = 1;
  const SavedFinder high(*Build(vectors_));
  EXPECT_LT(low.description["hnsw"]["ef_search"].get<int>(), high.description["hnsw"]["ef_search"].get<int>());
}

TEST_F(HnswFinderTest, FindsMoreWithMoreCandidates) {
  const auto finder = Build(vectors_);
  const double few = Recall(*finder, vectors_, [](SegmentQuery* query) { query->ef_search = 16; });
  const double many = Recall(*finder, vectors_, [](SegmentQuery* query) { query->ef_search = 400; });
  EXPECT_LT(few, many);
  EXPECT_GE(many, 0.99);
}

TEST_F(HnswFinderTest, ReturnsAtLeastTopKRowsAndNoRowTwice) {
  const auto finder = Build(vectors_);
  for (const int top_k : {1, 10, 300}) {
    const std::vector<float> vector = random_.Next();
    SegmentQuery query = QueryOf(vector);
    query.top_k = top_k;
    Rows found;
    ASSERT_TRUE(finder->Find(query, 1, nullptr, &found));
    EXPECT_GE(found.size(), static_cast<size_t>(top_k));
    std::sort(found.begin(), found.end());
    EXPECT_EQ(std::adjacent_find(found.begin(), found.end()), found.end());
  }
}

TEST_F(HnswFinderTest, ReturnsOnlyRowsThatPass) {
  const auto finder = Build(vectors_);
  std::vector<uint64_t> keys;
  std::vector<uint64_t> even;
  for (uint64_t row = 0; row < kRows; ++row) {
    keys.push_back(row);
    if (row % 2 == 0) {
      even.push_back(row);
    }
  }
  const RowSegment segment(kDimension, keys, vectors_.data());
  const KeySet only(even);
  int hits = 0;
  for (int i = 0; i < 50; ++i) {
    const std::vector<float> vector = random_.Next();
    SegmentQuery query = QueryOf(vector);
    query.only = &only;
    const RowFilter filter(&segment, &query);
    Rows found;
    ASSERT_TRUE(finder->Find(query, 0.5, &filter, &found));
    EXPECT_TRUE(std::all_of(found.begin(), found.end(), [](uint32_t row) { return row % 2 == 0; }));
    for (const uint32_t row : Nearest(vector, vectors_, kTopK, &filter)) {
      hits += static_cast<int>(std::count(found.begin(), found.end(), row));
    }
  }
  EXPECT_GE(hits / (50.0 * kTopK), 0.95);
}

TEST_F(HnswFinderTest, GivesUpWhereTheRowsThatPassLieFarAway) {
  // With a high recall target or few rows, a walk would see all rows. With an effort of 16 it sees only a part of them.
  const std::vector<float> rows = random_.Rows(20'000);
  const auto finder = Build(rows);
  std::vector<uint64_t> keys(20'000);
  for (uint64_t row = 0; row < keys.size(); ++row) {
    keys[row] = row;
  }
  const RowSegment segment(kDimension, keys, rows.data());
  const std::vector<float> vector = random_.Next();
  const Rows all = Nearest(vector, rows, keys.size());
  const KeySet farthest(std::vector<uint64_t>(all.end() - 8000, all.end()));
  SegmentQuery query = QueryOf(vector);
  query.only = &farthest;
  query.ef_search = 16;
  const RowFilter filter(&segment, &query);
  Rows found;
  EXPECT_FALSE(finder->Find(query, 0.4, &filter, &found));
}

TEST_F(HnswFinderTest, CostsMoreForMoreCandidatesAndForFewerRowsThatPass) {
  const auto finder = Build(vectors_);
  const std::vector<float> vector = random_.Next();
  SegmentQuery query = QueryOf(vector);
  query.ef_search = 100;
  const int64_t cost = finder->CostInRows(query, 1);
  EXPECT_GT(cost, 0);
  EXPECT_NEAR(static_cast<double>(finder->CostInRows(query, 0.25)), 4.0 * static_cast<double>(cost), 4);
  query.ef_search = 200;
  EXPECT_NEAR(static_cast<double>(finder->CostInRows(query, 1)), 2.0 * static_cast<double>(cost), 4);
}

TEST_F(HnswFinderTest, FindsTheSameAfterItsWayThroughAFile) {
  const auto finder = Build(vectors_);
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<CandidateFinder> loaded, Load(SavedFinder(*finder)));
  EXPECT_EQ(FoundBy(*loaded), FoundBy(*finder));
  EXPECT_EQ(loaded->memory_bytes(), finder->memory_bytes());
  EXPECT_TRUE(loaded->CanExtend(options_, 2 * kRows));
}

TEST_F(HnswFinderTest, RefusesToLoadWhatWasNotSaved) {
  const SavedFinder good(*Build(vectors_));
  const auto is_data_loss = StatusIs(absl::StatusCode::kDataLoss);
  EXPECT_THAT(Load(good, kRows - 1), is_data_loss) << "another number of rows";
  for (const SectionKind kind :
       {SectionKind::kRowCodes, SectionKind::kGroundLinks, SectionKind::kUpperRows, SectionKind::kUpperLinks}) {
    SavedFinder shorter = good;
    shorter.section(kind)->pop_back();
    EXPECT_THAT(Load(shorter), is_data_loss) << static_cast<int>(kind);
  }
  for (const SectionKind kind : {SectionKind::kGroundLinks, SectionKind::kUpperRows, SectionKind::kUpperLinks}) {
    SavedFinder astray = good;
    const uint32_t no_node = kRows;
    astray.section(kind)->replace(0, sizeof(no_node), reinterpret_cast<const char*>(&no_node), sizeof(no_node));
    EXPECT_THAT(Load(astray), is_data_loss) << static_cast<int>(kind);
  }
  for (const char* number : {"m", "entry_row", "level_nodes"}) {
    SavedFinder wrong = good;
    wrong.description["hnsw"][number] = number == std::string("level_nodes") ? nlohmann::json({kRows + 1}) : nlohmann::json(kRows);
    EXPECT_THAT(Load(wrong), is_data_loss) << number;
  }
}

TEST_F(HnswFinderTest, RefusesToLoadAGraphWithoutLinks) {
  for (const int m : {0, -1, 1, 1 << 30}) {
    SavedFinder wrong(*Build(vectors_));
    wrong.description["hnsw"]["m"] = m;
    EXPECT_THAT(Load(wrong), StatusIs(absl::StatusCode::kDataLoss)) << m;
  }
}

TEST_F(HnswFinderTest, ExtendsToTwiceItsRowsAndFindsOldAndNewOnes) {
  const std::vector<float> half(vectors_.begin(), vectors_.begin() + kRows / 2 * kDimension);
  const auto base = Build(half);
  EXPECT_TRUE(base->CanExtend(options_, kRows));
  EXPECT_FALSE(base->CanExtend(options_, kRows + 1));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<CandidateFinder> extended,
                       base->Extend(options_, vectors_.data(), kRows, stop_.get_token()));
  ASSERT_NE(extended, nullptr);
  EXPECT_GE(Recall(*extended, vectors_), 0.95);
  EXPECT_FALSE(extended->CanExtend(options_, kRows + 1)) << "the rows that it was built with count, not those that it has";
  SegmentedIndexOptions other = options_;
  other.spec.hnsw_m = 16;
  EXPECT_FALSE(base->CanExtend(other, kRows));
}

TEST_F(HnswFinderTest, ReturnsNullForRowsWhoseCodesWouldSaturate) {
  const std::vector<float> half(vectors_.begin(), vectors_.begin() + kRows / 2 * kDimension);
  const auto base = Build(half);
  std::vector<float> grown = vectors_;
  std::for_each(grown.begin() + kRows / 2 * kDimension, grown.end(), [](float& value) { value *= 2; });
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<CandidateFinder> extended,
                       base->Extend(options_, grown.data(), kRows, stop_.get_token()));
  EXPECT_EQ(extended, nullptr);
}

TEST_F(HnswFinderTest, StopsWhenTold) {
  const auto base = Build(std::vector<float>(vectors_.begin(), vectors_.begin() + kRows / 2 * kDimension));
  stop_.request_stop();
  EXPECT_THAT(BuildHnswFinder(options_, vectors_.data(), kRows, stop_.get_token()), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_THAT(base->Extend(options_, vectors_.data(), kRows, stop_.get_token()), StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(HnswFinderTest, HoldsAFewRowsToo) {
  for (const int rows : {1, 2, 9, 11}) {
    const std::vector<float> few = random_.Rows(rows);
    const auto finder = Build(few);
    Rows found;
    EXPECT_TRUE(finder->Find(QueryOf(few), 1, nullptr, &found));
    EXPECT_EQ(found.size(), static_cast<size_t>(rows));
  }
}

}  // namespace
}  // namespace semblance::index
