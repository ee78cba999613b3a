#include <cstdint>
#include <vector>

#include "gtest/gtest.h"
#include "index/kernels/cpu_level.h"
#include "index/kernels/kernel_levels.h"
#include "index/kernels/kernels.h"
#include "tests/index/kernels/kernel_data.h"

namespace semblance::index {
namespace {

constexpr int kBlocks = 2;

// Copies row `row` out of interleaved blocks, as kernels.h describes them.
std::vector<uint8_t> RowOfBlocks(const std::vector<uint8_t>& blocks, int dimension, int row) {
  const int block = row / kInt8BlockRows;
  std::vector<uint8_t> columns;
  for (int column = 0; column < dimension; ++column) {
    const int group = block * dimension / 4 + column / 4;
    columns.push_back(blocks[(group * kInt8BlockRows + row % kInt8BlockRows) * 4 + column % 4]);
  }
  return columns;
}

class Int8BlockKernelsTest : public testing::TestWithParam<CpuLevel> {
 protected:
  const Int8BlockKernel kernel_ = Int8BlockKernelFor(GetParam());
};

TEST_P(Int8BlockKernelsTest, EqualSlowLoopsInEveryDimension) {
  const std::vector<int8_t> values = RandomInt8Query(kMaxDimension, 5);
  for (int dimension = 4; dimension <= kMaxDimension; dimension += 4) {
    const std::vector<uint8_t> bytes = RandomBytes(int64_t{kBlocks} * kInt8BlockRows * dimension, dimension);
    const Unaligned<uint8_t> blocks(bytes);
    const Unaligned<int8_t> unaligned({values.begin(), values.begin() + dimension});
    std::vector<int32_t> scores(kBlocks * kInt8BlockRows);
    kernel_(Int8Query({unaligned.data(), static_cast<size_t>(dimension)}), blocks.data(), kBlocks, scores.data());
    for (int row = 0; row < kBlocks * kInt8BlockRows; ++row) {
      ASSERT_EQ(scores[row], SlowDot(values.data(), RowOfBlocks(bytes, dimension, row).data(), dimension))
          << dimension << " row " << row;
    }
  }
}

TEST_P(Int8BlockKernelsTest, DoNotSaturate) {
  for (const int dimension : {4, 64, 100, 1100, 4096}) {
    for (const int value : {-127, 127}) {
      for (const int byte : {0, 255}) {
        const std::vector<int8_t> values(dimension, static_cast<int8_t>(value));
        const std::vector<uint8_t> block(dimension * kInt8BlockRows, static_cast<uint8_t>(byte));
        int32_t scores[kInt8BlockRows];
        kernel_(Int8Query(values), block.data(), 1, scores);
        for (const int32_t score : scores) {
          EXPECT_EQ(score, int64_t{dimension} * value * (byte - 128));
        }
      }
    }
  }
}

TEST_P(Int8BlockKernelsTest, TouchNoScoreWithoutBlocks) {
  const std::vector<int8_t> values = RandomInt8Query(8, 1);
  const std::vector<uint8_t> blocks = RandomBytes(8 * kInt8BlockRows, 2);
  int32_t score = 7;
  kernel_(Int8Query(values), blocks.data(), 0, &score);
  EXPECT_EQ(score, 7);
}

INSTANTIATE_TEST_SUITE_P(Levels, Int8BlockKernelsTest, testing::ValuesIn(AvailableLevels()), LevelName);

TEST(Kernels, ScoreBlocksAsRowsAreScored) {
  constexpr int kDimension = 36;
  const std::vector<int8_t> values = RandomInt8Query(kDimension, 1);
  const std::vector<uint8_t> blocks = RandomBytes(kBlocks * kInt8BlockRows * kDimension, 2);
  const Int8Query query(values);
  int32_t scores[kBlocks * kInt8BlockRows];
  DotsInt8Blocks(query, blocks.data(), kBlocks, scores);
  for (int row = 0; row < kBlocks * kInt8BlockRows; ++row) {
    EXPECT_EQ(scores[row], DotInt8(query, RowOfBlocks(blocks, kDimension, row).data()));
  }
}

}  // namespace
}  // namespace semblance::index
