#include <cstdint>
#include <random>
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

std::vector<int8_t> RandomQuery(int dimension, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<int8_t> values(dimension);
  for (int8_t& value : values) {
    value = static_cast<int8_t>(static_cast<int>(random() % 255) - 127);
  }
  return values;
}

std::vector<uint8_t> RandomRows(int64_t bytes, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<uint8_t> values(bytes);
  for (uint8_t& value : values) {
    value = static_cast<uint8_t>(random() % 256);
  }
  return values;
}

int64_t SlowDot(const int8_t* query, const uint8_t* row, int dimension) {
  int64_t sum = 0;
  for (int i = 0; i < dimension; ++i) {
    sum += (int64_t{row[i]} - 128) * query[i];
  }
  return sum;
}

int64_t SlowDistance(const int8_t* query, const uint8_t* row, int dimension) {
  int64_t sum = 0;
  for (int i = 0; i < dimension; ++i) {
    const int64_t difference = int64_t{row[i]} - 128 - query[i];
    sum += difference * difference;
  }
  return sum;
}

class Int8KernelsTest : public testing::TestWithParam<CpuLevel> {
 protected:
  const Int8Kernels& kernels_ = Int8KernelsFor(GetParam());
};

TEST_P(Int8KernelsTest, EqualSlowLoopsInEveryDimension) {
  const std::vector<int8_t> values = RandomQuery(kMaxDimension, 1);
  const std::vector<uint8_t> bytes = RandomRows(kMaxDimension, 2);
  for (int dimension = 1; dimension <= kMaxDimension; ++dimension) {
    const Unaligned<int8_t> unaligned({values.begin(), values.begin() + dimension});
    const Unaligned<uint8_t> row({bytes.begin(), bytes.begin() + dimension});
    const Int8Query query({unaligned.data(), static_cast<size_t>(dimension)});
    EXPECT_EQ(kernels_.dot_product(query, row.data()), SlowDot(values.data(), bytes.data(), dimension)) << dimension;
    EXPECT_EQ(kernels_.squared_distance(query, row.data()), SlowDistance(values.data(), bytes.data(), dimension)) << dimension;
  }
}

TEST_P(Int8KernelsTest, ScoreInterleavedBlocksAsRows) {
  constexpr int kBlocks = 2;
  const std::vector<int8_t> values = RandomQuery(kMaxDimension, 5);
  for (int dimension = 4; dimension <= kMaxDimension; dimension += 4) {
    const std::vector<uint8_t> bytes = RandomRows(int64_t{kBlocks} * kInt8BlockRows * dimension, 6);
    const Unaligned<uint8_t> blocks(bytes);
    std::vector<int32_t> scores(kBlocks * kInt8BlockRows);
    const Int8Query query({values.data(), static_cast<size_t>(dimension)});
    Int8BlockKernelFor(GetParam())(query, blocks.data(), kBlocks, scores.data());
    for (int row = 0; row < kBlocks * kInt8BlockRows; ++row) {
      std::vector<uint8_t> columns;
      for (int column = 0; column < dimension; ++column) {
        const int group = row / kInt8BlockRows * dimension / 4 + column / 4;
        columns.push_back(bytes[(group * kInt8BlockRows + row % kInt8BlockRows) * 4 + column % 4]);
      }
      ASSERT_EQ(scores[row], SlowDot(values.data(), columns.data(), dimension)) << dimension << " row " << row;
    }
  }
}

TEST_P(Int8KernelsTest, DoNotSaturate) {
  for (const int dimension : {1, 15, 64, 100, 127, 1100, 4096}) {
    for (const int value : {-127, 127}) {
      for (const int byte : {0, 255}) {
        const std::vector<int8_t> values(dimension, static_cast<int8_t>(value));
        const std::vector<uint8_t> row(dimension, static_cast<uint8_t>(byte));
        const Int8Query query(values);
        EXPECT_EQ(kernels_.dot_product(query, row.data()), int64_t{dimension} * value * (byte - 128));
        if (dimension % 4 == 0) {
          const std::vector<uint8_t> block(dimension * kInt8BlockRows, static_cast<uint8_t>(byte));
          int32_t scores[kInt8BlockRows];
          Int8BlockKernelFor(GetParam())(query, block.data(), 1, scores);
          EXPECT_EQ(scores[7], int64_t{dimension} * value * (byte - 128));
        }
        EXPECT_EQ(kernels_.squared_distance(query, row.data()), int64_t{dimension} * (byte - 128 - value) * (byte - 128 - value));
      }
    }
  }
}

TEST_P(Int8KernelsTest, GiveARowTheSameScoreAloneInABlockAndGathered) {
  const std::vector<int8_t> values = RandomQuery(kMaxDimension, 3);
  for (int dimension = 1; dimension <= kMaxDimension; ++dimension) {
    const int stride = dimension + dimension % 7;
    const Unaligned<uint8_t> rows(RandomRows((kRows - 1) * stride + dimension, dimension));
    const Int8Query query({values.data(), static_cast<size_t>(dimension)});
    for (const bool product : {true, false}) {
      const auto score_row = product ? kernels_.dot_product : kernels_.squared_distance;
      const auto score_rows = product ? kernels_.dot_products : kernels_.squared_distances;
      int32_t block[kRows];
      int32_t gathered[kIdCount];
      score_rows(query, {rows.data(), stride, nullptr, kRows}, block);
      score_rows(query, {rows.data(), stride, kIds, kIdCount}, gathered);
      for (int64_t row = 0; row < kRows; ++row) {
        ASSERT_EQ(block[row], score_row(query, rows.data() + row * stride)) << dimension;
      }
      for (int i = 0; i < kIdCount; ++i) {
        ASSERT_EQ(gathered[i], block[kIds[i]]) << dimension;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, Int8KernelsTest, testing::ValuesIn(AvailableLevels()), LevelName);

TEST(Kernels, OfInt8AreExact) {
  constexpr int kDimension = 64;
  constexpr int kStride = 72;
  const std::vector<int8_t> values = RandomQuery(kDimension, 1);
  const std::vector<uint8_t> bytes = RandomRows(kRows * kStride, 2);
  const Int8Query query(values);
  const Int8Rows rows = {bytes.data(), kStride};
  int32_t products[kRows];
  int32_t distances[kRows];
  int32_t gathered[kIdCount];
  DotsInt8(query, rows, kRows, products);
  SquaredDistancesInt8(query, rows, kRows, distances);
  DotsInt8Gather(query, rows, kIds, gathered);
  for (int64_t i = 0; i < kRows; ++i) {
    const uint8_t* row = &bytes[i * kStride];
    EXPECT_EQ(products[i], SlowDot(values.data(), row, kDimension));
    EXPECT_EQ(DotInt8(query, row), products[i]);
    EXPECT_EQ(distances[i], SlowDistance(values.data(), row, kDimension));
    EXPECT_EQ(SquaredDistanceInt8(query, row), distances[i]);
  }
  for (int i = 0; i < kIdCount; ++i) {
    EXPECT_EQ(gathered[i], products[kIds[i]]);
  }
}

}  // namespace
}  // namespace semblance::index
