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

class Int8KernelsTest : public testing::TestWithParam<CpuLevel> {
 protected:
  const Int8Kernels& kernels_ = Int8KernelsFor(GetParam());
};

TEST_P(Int8KernelsTest, EqualSlowLoopsInEveryDimension) {
  const std::vector<int8_t> values = RandomInt8Query(kMaxDimension, 1);
  const std::vector<uint8_t> bytes = RandomBytes(kMaxDimension, 2);
  for (int dimension = 1; dimension <= kMaxDimension; ++dimension) {
    const Unaligned<int8_t> unaligned({values.begin(), values.begin() + dimension});
    const Unaligned<uint8_t> row({bytes.begin(), bytes.begin() + dimension});
    const Int8Query query({unaligned.data(), static_cast<size_t>(dimension)});
    EXPECT_EQ(kernels_.dot_product(query, row.data()), SlowDot(values.data(), bytes.data(), dimension)) << dimension;
  }
}

TEST_P(Int8KernelsTest, DoNotSaturate) {
  for (const int dimension : {1, 15, 64, 100, 127, 1100, 4096}) {
    for (const int value : {-127, 127}) {
      for (const int byte : {0, 255}) {
        const std::vector<int8_t> values(dimension, static_cast<int8_t>(value));
        const std::vector<uint8_t> row(dimension, static_cast<uint8_t>(byte));
        EXPECT_EQ(kernels_.dot_product(Int8Query(values), row.data()), int64_t{dimension} * value * (byte - 128));
      }
    }
  }
}

TEST_P(Int8KernelsTest, GiveARowTheSameScoreAloneAndGathered) {
  const std::vector<int8_t> values = RandomInt8Query(kMaxDimension, 3);
  for (int dimension = 1; dimension <= kMaxDimension; ++dimension) {
    const int stride = dimension + dimension % 7;
    const Unaligned<uint8_t> rows(RandomBytes((kRows - 1) * stride + dimension, dimension));
    const Int8Query query({values.data(), static_cast<size_t>(dimension)});
    int32_t gathered[kIdCount];
    kernels_.dot_products(query, {rows.data(), stride, kIds, kIdCount}, gathered);
    for (int i = 0; i < kIdCount; ++i) {
      ASSERT_EQ(gathered[i], kernels_.dot_product(query, rows.data() + kIds[i] * stride)) << dimension;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, Int8KernelsTest, testing::ValuesIn(AvailableLevels()), LevelName);

TEST(Kernels, ScoreInt8Exactly) {
  constexpr int kDimension = 64;
  constexpr int kStride = 72;
  const std::vector<int8_t> values = RandomInt8Query(kDimension, 1);
  const std::vector<uint8_t> bytes = RandomBytes(kRows * kStride, 2);
  const Int8Query query(values);
  int32_t gathered[kIdCount];
  DotsInt8Gather(query, {bytes.data(), kStride}, kIds, gathered);
  for (int i = 0; i < kIdCount; ++i) {
    const uint8_t* row = &bytes[kIds[i] * kStride];
    EXPECT_EQ(gathered[i], SlowDot(values.data(), row, kDimension));
    EXPECT_EQ(DotInt8(query, row), gathered[i]);
  }
}

}  // namespace
}  // namespace semblance::index
