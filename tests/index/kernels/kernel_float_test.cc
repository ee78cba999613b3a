#include <cmath>
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"
#include "index/kernels/cpu_level.h"
#include "index/kernels/kernel_levels.h"
#include "index/kernels/kernels.h"
#include "tests/index/kernels/kernel_data.h"

namespace semblance::index {
namespace {

constexpr int64_t kRows = 3;
constexpr uint32_t kIds[] = {2, 0, 1, 1, 2, 0, 0, 2, 1, 2, 1};
constexpr int kIdCount = 11;

class FloatKernelsTest : public testing::TestWithParam<CpuLevel> {
 protected:
  const FloatKernels& kernels_ = FloatKernelsFor(GetParam());
  const std::vector<float> query_ = RandomFloats(kMaxDimension, 1);
  const std::vector<float> rows_ = RandomFloats(kRows * kMaxDimension, 2);
};

TEST_P(FloatKernelsTest, EqualSlowLoopsInEveryDimension) {
  for (int dimension = 1; dimension <= kMaxDimension; ++dimension) {
    const Unaligned query(std::vector<float>(query_.begin(), query_.begin() + dimension));
    const Unaligned row(std::vector<float>(rows_.begin(), rows_.begin() + dimension));
    double product = 0;
    double size = 0;
    for (int i = 0; i < dimension; ++i) {
      product += static_cast<double>(query_[i]) * rows_[i];
      size += std::abs(static_cast<double>(query_[i]) * rows_[i]);
    }
    EXPECT_NEAR(kernels_.dot_product(query.data(), row.data(), dimension), product, 1e-6 * size) << dimension;
  }
}

TEST_P(FloatKernelsTest, GiveARowTheSameScoreAloneInABlockAndGathered) {
  for (int dimension = 1; dimension <= kMaxDimension; ++dimension) {
    const Unaligned query(std::vector<float>(query_.begin(), query_.begin() + dimension));
    const Unaligned rows(std::vector<float>(rows_.begin(), rows_.begin() + kRows * dimension));
    float block[kRows];
    float gathered[kIdCount];
    kernels_.dot_products(query.data(), {rows.data(), dimension, nullptr, kRows}, dimension, block);
    kernels_.dot_products(query.data(), {rows.data(), dimension, kIds, kIdCount}, dimension, gathered);
    for (int64_t row = 0; row < kRows; ++row) {
      ASSERT_EQ(block[row], kernels_.dot_product(query.data(), rows.data() + row * dimension, dimension)) << dimension;
    }
    for (int i = 0; i < kIdCount; ++i) {
      ASSERT_EQ(gathered[i], block[kIds[i]]) << dimension;
    }
  }
}

TEST_P(FloatKernelsTest, TouchNoScoreWithoutRows) {
  float score = 7;
  kernels_.dot_products(query_.data(), {rows_.data(), 5, nullptr, 0}, 5, &score);
  kernels_.dot_products(query_.data(), {rows_.data(), 5, kIds, 0}, 5, &score);
  EXPECT_EQ(score, 7);
}

INSTANTIATE_TEST_SUITE_P(Levels, FloatKernelsTest, testing::ValuesIn(AvailableLevels()), LevelName);

TEST(Kernels, ScoreFloatsAtTheBestLevel) {
  constexpr int kDimension = 77;
  const FloatKernels& best = FloatKernelsFor(DetectCpuLevel());
  const std::vector<float> query = RandomFloats(kDimension, 1);
  const std::vector<float> rows = RandomFloats(kRows * kDimension, 2);
  float products[kRows];
  float gathered[kIdCount];
  DotProducts(query.data(), rows.data(), kRows, kDimension, products);
  DotProductsGather(query.data(), rows.data(), kIds, kDimension, gathered);
  for (int64_t i = 0; i < kRows; ++i) {
    const float* row = &rows[i * kDimension];
    EXPECT_EQ(products[i], best.dot_product(query.data(), row, kDimension));
    EXPECT_EQ(products[i], DotProduct(query.data(), row, kDimension));
  }
  for (int i = 0; i < kIdCount; ++i) {
    EXPECT_EQ(gathered[i], products[kIds[i]]);
  }
}

}  // namespace
}  // namespace semblance::index
