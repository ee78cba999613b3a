// Rows with vectors, a brute-force search over them, and finders on their way through a segment file.
//
// Not thread-safe.
#ifndef SEMBLANCE_TESTS_INDEX_FINDERS_FINDER_FIXTURE_H_
#define SEMBLANCE_TESTS_INDEX_FINDERS_FINDER_FIXTURE_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "common/file.h"
#include "gtest/gtest.h"
#include "index/finders/candidate_finder.h"
#include "index/kernels/kernels.h"
#include "tests/index/random_vectors.h"
#include "tests/index/rows/row_segment.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::index {

// The parts of a segment file that Save fills in. A test may change them before it loads them.
struct SavedFinder {
  explicit SavedFinder(const CandidateFinder& finder) {
    std::vector<FileSection> saved;
    finder.Save(&description, &saved);
    for (const FileSection& section : saved) {
      sections.emplace_back(section.kind, std::string(section.bytes));
    }
  }

  std::string* section(SectionKind kind) {
    return &std::find_if(sections.begin(), sections.end(), [kind](const auto& one) { return one.first == kind; })->second;
  }

  // Returns the bytes of a segment file with the sections.
  std::string FileBytes() const {
    std::vector<FileSection> parts;
    for (const auto& [kind, bytes] : sections) {
      parts.push_back({kind, bytes});
    }
    const testing::TempDir dir;
    EXPECT_OK(WriteSegmentFile(dir.Join("file"), parts));
    return ReadFile(dir.Join("file")).value_or("");
  }

  nlohmann::json description;
  std::vector<std::pair<SectionKind, std::string>> sections;
};

class FinderFixture : public ::testing::Test {
 protected:
  static constexpr int kDimension = 16;
  static constexpr int kTopK = 10;

  using Rows = std::vector<uint32_t>;

  static SegmentQuery QueryOf(const std::vector<float>& vector) {
    SegmentQuery query;
    query.vector = vector.data();
    query.sequence = 1 << 30;
    query.top_k = kTopK;
    return query;
  }

  // Returns the `count` best rows of `vectors` that pass the filter; null: all pass.
  static Rows Nearest(const std::vector<float>& query, absl::Span<const float> vectors, size_t count,
                      const RowFilter* filter = nullptr) {
    std::vector<float> scores(vectors.size() / kDimension);
    DotProducts(query.data(), vectors.data(), static_cast<int64_t>(scores.size()), kDimension, scores.data());
    Rows rows;
    for (uint32_t row = 0; row < scores.size(); ++row) {
      if (filter == nullptr || filter->Passes(row)) {
        rows.push_back(row);
      }
    }
    std::sort(rows.begin(), rows.end(), [&](uint32_t a, uint32_t b) { return scores[a] > scores[b]; });
    rows.resize(std::min(rows.size(), count));
    return rows;
  }

  // Returns the share of the true nearest rows that are among the candidates of a finder, over 50 queries.
  double Recall(
      const CandidateFinder& finder, absl::Span<const float> vectors,
      const std::function<void(SegmentQuery*)>& change = [](SegmentQuery*) {}) {
    int hits = 0;
    int expected = 0;
    for (int i = 0; i < 50; ++i) {
      const std::vector<float> vector = random_.Next();
      SegmentQuery query = QueryOf(vector);
      change(&query);
      Rows found;
      EXPECT_TRUE(finder.Find(query, 1, nullptr, &found));
      for (const uint32_t row : Nearest(vector, vectors, kTopK)) {
        hits += static_cast<int>(std::count(found.begin(), found.end(), row));
        ++expected;
      }
    }
    return static_cast<double>(hits) / expected;
  }

  // Returns what a finder finds for some fixed queries.
  static std::vector<Rows> FoundBy(const CandidateFinder& finder) {
    RandomVectors random(kDimension, 0, 99);
    std::vector<Rows> found(20);
    for (Rows& rows : found) {
      const std::vector<float> vector = random.Next();
      EXPECT_TRUE(finder.Find(QueryOf(vector), 1, nullptr, &rows));
      std::sort(rows.begin(), rows.end());
    }
    return found;
  }

  RandomVectors random_{kDimension, 0, 1};
  std::stop_source stop_;
};

}  // namespace semblance::index

#endif  // SEMBLANCE_TESTS_INDEX_FINDERS_FINDER_FIXTURE_H_
