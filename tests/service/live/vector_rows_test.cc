#include "service/live/vector_rows.h"

#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace semblance::service {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

std::vector<std::pair<size_t, std::vector<float>>> RowsOf(const std::vector<float>& vectors, int dimension) {
  std::vector<std::pair<size_t, std::vector<float>>> rows;
  ForEachRow(vectors, dimension, [&rows](size_t number, absl::Span<const float> row) {
    rows.emplace_back(number, std::vector<float>(row.begin(), row.end()));
  });
  return rows;
}

TEST(ForEachRowTest, GivesEveryRowWithItsNumberInOrder) {
  EXPECT_THAT(RowsOf({1, 2, 3, 4, 5, 6}, 2),
              ElementsAre(Pair(0, ElementsAre(1, 2)), Pair(1, ElementsAre(3, 4)), Pair(2, ElementsAre(5, 6))));
  EXPECT_THAT(RowsOf({1, 2, 3}, 3), ElementsAre(Pair(0, ElementsAre(1, 2, 3))));
}

TEST(ForEachRowTest, GivesNothingWithoutVectors) {
  EXPECT_TRUE(RowsOf({}, 4).empty());
}

}  // namespace
}  // namespace semblance::service
