#include "index/finders/ivf_finder.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/index/finders/finder_fixture.h"
#include "tests/index/index_kinds.h"
#include "tests/testing/status_matchers.h"

namespace semblance::index {
namespace {

using ::semblance::testing::SpecOf;
using ::semblance::testing::StatusIs;

constexpr int kRows = 4000;
// Product codes take long to train, so there are only a few more rows than they need.
constexpr int kCodedRows = 1100;

// A finder, the vectors in the order of its lists, and the old row of each row.
struct Built {
  BigArray<float> vectors;
  std::vector<uint32_t> order;
  std::unique_ptr<CandidateFinder> finder;

  absl::Span<const float> span() const { return {vectors.data(), vectors.size()}; }
};

class IvfFinderTest : public FinderFixture {
 protected:
  void SetUp() override { options_.dimension = kDimension; }

  std::unique_ptr<Built> Build(const char* factory, const std::vector<float>& vectors) {
    options_.spec = SpecOf(factory);
    auto built = std::make_unique<Built>();
    built->vectors = BigArray<float>(vectors.size());
    std::copy(vectors.begin(), vectors.end(), built->vectors.data());
    auto finder = BuildIvfFinder(options_, &built->vectors, &built->order, stop_.get_token());
    EXPECT_OK(finder);
    built->finder = *std::move(finder);
    return built;
  }

  static absl::StatusOr<std::unique_ptr<CandidateFinder>> Load(const SavedFinder& saved, const Built& built, int64_t rows) {
    const std::string file = saved.FileBytes();
    const auto sections = SegmentSections::Decode(file);
    EXPECT_OK(sections);
    return LoadIvfFinder(saved.description, *sections, kDimension, rows, built.vectors.data());
  }

  std::vector<float> Coded() const { return {vectors_.begin(), vectors_.begin() + kCodedRows * kDimension}; }

  static int ListsOf(const Built& built) { return SavedFinder(*built.finder).description["ivf"]["lists"].get<int>(); }

  SegmentedIndexOptions options_;
  const std::vector<float> vectors_ = random_.Rows(kRows);
};

TEST_F(IvfFinderTest, PutsTheRowsIntoTheOrderOfTheListsAndSaysWhichIsWhich) {
  const auto built = Build("IVF20,Flat", vectors_);
  ASSERT_EQ(built->order.size(), static_cast<size_t>(kRows));
  std::vector<uint32_t> sorted = built->order;
  std::sort(sorted.begin(), sorted.end());
  for (uint32_t row = 0; row < kRows; ++row) {
    ASSERT_EQ(sorted[row], row);
    ASSERT_EQ(std::memcmp(&built->vectors[row * kDimension], &vectors_[built->order[row] * kDimension], kDimension * sizeof(float)),
              0);
  }
}

TEST_F(IvfFinderTest, PutsEveryRowIntoTheListOfItsNearestCentroid) {
  const auto built = Build("IVF20,Flat", vectors_);
  SavedFinder saved(*built->finder);
  std::vector<float> centroids(20 * kDimension);
  std::vector<uint32_t> ends(20);
  std::memcpy(centroids.data(), saved.section(SectionKind::kCentroids)->data(), centroids.size() * sizeof(float));
  std::memcpy(ends.data(), saved.section(SectionKind::kListEnds)->data(), ends.size() * sizeof(uint32_t));
  EXPECT_EQ(ends.back(), static_cast<uint32_t>(kRows));
  for (uint32_t row = 0; row < kRows; ++row) {
    const auto list = static_cast<size_t>(std::upper_bound(ends.begin(), ends.end(), row) - ends.begin());
    std::vector<float> scores(20);
    DotProducts(&built->vectors[row * kDimension], centroids.data(), 20, kDimension, scores.data());
    EXPECT_GE(scores[list], *std::max_element(scores.begin(), scores.end()) - 1e-5F) << row;
  }
}

TEST_F(IvfFinderTest, FindsTheNearestWhenItLooksAtAllLists) {
  const auto built = Build("IVF20,Flat", vectors_);
  for (int i = 0; i < 20; ++i) {
    const std::vector<float> vector = random_.Next();
    SegmentQuery query = QueryOf(vector);
    query.nprobe = 20;
    Rows found;
    ASSERT_TRUE(built->finder->Find(query, 1, nullptr, &found));
    EXPECT_EQ(found, Nearest(vector, built->span(), kTopK));
  }
}

TEST_F(IvfFinderTest, ReachesTheTargetRecallAndFindsMoreInMoreLists) {
  const auto built = Build("IVF0,Flat", vectors_);
  EXPECT_GE(Recall(*built->finder, built->span()), 0.96);
  const double one = Recall(*built->finder, built->span(), [](SegmentQuery* query) { query->nprobe = 1; });
  const double ten = Recall(*built->finder, built->span(), [](SegmentQuery* query) { query->nprobe = 10; });
  EXPECT_LT(one, ten);
  EXPECT_GE(SavedFinder(*built->finder).description["ivf"]["measured_recall"].get<double>(), options_.target_recall);
}

TEST_F(IvfFinderTest, FindsMostByProductCodesForRowsToCompareAgain) {
  const auto built = Build("IVF0,PQ4,RFlat", Coded());
  EXPECT_GE(Recall(*built->finder, built->span(), [](SegmentQuery* query) { query->nprobe = 1000; }), 0.97);
  const std::vector<float> vector = random_.Next();
  Rows found;
  ASSERT_TRUE(built->finder->Find(QueryOf(vector), 1, nullptr, &found));
  EXPECT_GT(found.size(), static_cast<size_t>(kTopK)) << "codes are coarse, so more rows than asked for are candidates";
}

TEST_F(IvfFinderTest, ComparesFewRowsAtFullPrecisionForWantOfRowsToTrainCodes) {
  const auto built = Build("IVF0,PQ8,RFlat", random_.Rows(600));
  EXPECT_EQ(SavedFinder(*built->finder).description["ivf"]["pq_bytes"].get<int>(), 0);
  EXPECT_EQ(Recall(*built->finder, built->span(), [](SegmentQuery* query) { query->nprobe = 1000; }), 1);
}

TEST_F(IvfFinderTest, ChoosesAboutFourTimesTheRootOfTheRowsButKeepsListsFilled) {
  EXPECT_EQ(ListsOf(*Build("IVF0,Flat", vectors_)), kRows / 39) << "4 * sqrt(4000) = 253 lists would have 16 rows each";
  EXPECT_EQ(ListsOf(*Build("IVF7,Flat", vectors_)), 7);
  EXPECT_EQ(ListsOf(*Build("IVF500,Flat", vectors_)), kRows / 39);
  EXPECT_EQ(ListsOf(*Build("IVF7,Flat", random_.Rows(1))), 1);
}

TEST_F(IvfFinderTest, ReturnsOnlyRowsThatPassAndLooksIntoMoreListsForThem) {
  const auto built = Build("IVF50,Flat", vectors_);
  std::vector<uint64_t> keys;
  std::vector<uint64_t> allowed;
  for (uint64_t row = 0; row < kRows; ++row) {
    keys.push_back(row);
    if (row % 10 == 0) {
      allowed.push_back(row);
    }
  }
  const RowSegment segment(kDimension, keys, built->vectors.data());
  const KeySet only(allowed);
  int hits = 0;
  for (int i = 0; i < 50; ++i) {
    const std::vector<float> vector = random_.Next();
    SegmentQuery query = QueryOf(vector);
    query.only = &only;
    const RowFilter filter(&segment, &query);
    Rows found;
    ASSERT_TRUE(built->finder->Find(query, 0.1, &filter, &found));
    EXPECT_TRUE(std::all_of(found.begin(), found.end(), [](uint32_t row) { return row % 10 == 0; }));
    for (const uint32_t row : Nearest(vector, built->span(), kTopK, &filter)) {
      hits += static_cast<int>(std::count(found.begin(), found.end(), row));
    }
  }
  EXPECT_GE(hits / (50.0 * kTopK), 0.95);
}

TEST_F(IvfFinderTest, CostsTheCentroidsAndTheRowsOfTheListsThatItLooksInto) {
  const auto built = Build("IVF20,Flat", vectors_);
  const std::vector<float> vector = random_.Next();
  SegmentQuery query = QueryOf(vector);
  query.nprobe = 5;
  EXPECT_EQ(built->finder->CostInRows(query, 1), 20 + kRows * 5 / 20);
  EXPECT_EQ(built->finder->CostInRows(query, 0.5), 20 + kRows * 10 / 20);
  EXPECT_EQ(built->finder->CostInRows(query, 0.01), 20 + kRows) << "there are no more than all lists";
}

TEST_F(IvfFinderTest, FindsTheSameAfterItsWayThroughAFile) {
  for (const char* factory : {"IVF20,Flat", "IVF20,PQ4,RFlat"}) {
    const auto built = Build(factory, Coded());
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<CandidateFinder> loaded, Load(SavedFinder(*built->finder), *built, kCodedRows));
    EXPECT_EQ(FoundBy(*loaded), FoundBy(*built->finder)) << factory;
    EXPECT_EQ(loaded->memory_bytes(), built->finder->memory_bytes()) << factory;
  }
}

TEST_F(IvfFinderTest, RefusesToLoadWhatWasNotSaved) {
  const auto built = Build("IVF20,PQ4,RFlat", Coded());
  const SavedFinder good(*built->finder);
  const auto is_data_loss = StatusIs(absl::StatusCode::kDataLoss);
  EXPECT_THAT(Load(good, *built, kCodedRows + 1), is_data_loss) << "the lists hold fewer rows";
  for (const SectionKind kind :
       {SectionKind::kCentroids, SectionKind::kListEnds, SectionKind::kPqCentroids, SectionKind::kPqCodes}) {
    SavedFinder shorter = good;
    shorter.section(kind)->pop_back();
    EXPECT_THAT(Load(shorter, *built, kCodedRows), is_data_loss) << static_cast<int>(kind);
  }
  SavedFinder unordered = good;
  std::string* const ends = unordered.section(SectionKind::kListEnds);
  const uint32_t beyond = kCodedRows + 1;
  ends->replace(0, sizeof(beyond), reinterpret_cast<const char*>(&beyond), sizeof(beyond));
  EXPECT_THAT(Load(unordered, *built, kCodedRows), is_data_loss) << "list 0 ends behind list 1";
  SavedFinder without_lists = good;
  without_lists.description["ivf"]["lists"] = 0;
  without_lists.section(SectionKind::kListEnds)->clear();
  EXPECT_THAT(Load(without_lists, *built, kCodedRows), is_data_loss);
}

TEST_F(IvfFinderTest, StopsWhenTold) {
  stop_.request_stop();
  options_.spec = SpecOf("IVF20,Flat");
  BigArray<float> vectors(vectors_.size());
  std::copy(vectors_.begin(), vectors_.end(), vectors.data());
  std::vector<uint32_t> order;
  EXPECT_THAT(BuildIvfFinder(options_, &vectors, &order, stop_.get_token()), StatusIs(absl::StatusCode::kCancelled));
}

}  // namespace
}  // namespace semblance::index
