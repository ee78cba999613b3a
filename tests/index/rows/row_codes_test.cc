#include "index/rows/row_codes.h"

#include <cmath>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/kernels/kernels.h"
#include "tests/index/random_vectors.h"

namespace semblance::index {
namespace {

TEST(RowCodes, KeepTheInnerProductOfUnitVectorsToAboutOnePercent) {
  for (const int dimension : {3, 64, 100, 512}) {
    constexpr int kRows = 200;
    RandomVectors random(dimension, 0, 1);
    const std::vector<float> rows = random.Rows(kRows);
    const std::vector<float> query = random.Next();
    RowCodes codes(dimension, kRows, RowCodes::ChooseScale(rows));
    const std::vector<int8_t> coded = codes.EncodeQuery(query.data());
    float largest = 0;
    for (const float value : query) {
      largest = std::max(largest, std::fabs(value));
    }
    const float unit = codes.scale() * largest / 127;
    for (int row = 0; row < kRows; ++row) {
      codes.SetRow(row, &rows[static_cast<size_t>(row) * dimension]);
      const float exact = DotProduct(query.data(), &rows[static_cast<size_t>(row) * dimension], dimension);
      EXPECT_NEAR(unit * static_cast<float>(DotInt8(Int8Query(coded), codes.row(row))), exact, 0.01) << dimension;
    }
  }
}

TEST(RowCodes, ARowIsAWholeNumberOfCacheLinesAndItsPaddingCountsNothing) {
  RowCodes codes(65, 1, 1);
  EXPECT_EQ(codes.stride(), 128);
  std::vector<float> vector(65, 0);
  vector[64] = 5;
  codes.SetRow(0, vector.data());
  const std::vector<int8_t> all(128, 127);
  EXPECT_EQ(DotInt8(Int8Query(all), codes.row(0)), 5 * 127);
}

TEST(RowCodes, SaturatesOutliersAndTakesZeros) {
  RowCodes codes(2, 1, 0.01F);
  const float vector[] = {10, -10};
  codes.SetRow(0, vector);
  EXPECT_EQ(codes.row(0)[0], 128 + 127);
  EXPECT_EQ(codes.row(0)[1], 128 - 127);
  const float zeros[] = {0, 0};
  EXPECT_THAT(codes.EncodeQuery(zeros), ::testing::Each(0));
  EXPECT_GT(RowCodes::ChooseScale(zeros), 0);
}

TEST(RowCodes, ARowIsAQueryToo) {
  RowCodes codes(64, 1, 0.01F);
  RandomVectors random(64, 0, 2);
  codes.SetRow(0, random.Next().data());
  std::vector<int8_t> query;
  codes.RowAsQuery(codes.row(0), &query);
  int32_t squares = 0;
  for (const int8_t value : query) {
    squares += value * value;
  }
  EXPECT_EQ(DotInt8(Int8Query(query), codes.row(0)), squares);
}

}  // namespace
}  // namespace semblance::index
