#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "gtest/gtest.h"
#include "index/kernels/cpu_level.h"
#include "index/kernels/kernel_levels.h"
#include "index/kernels/kernels.h"
#include "tests/index/kernels/kernel_data.h"

namespace semblance::index {
namespace {

constexpr int kPatterns = 65536;
constexpr int64_t kRows = 2;

// A format of 16 bits as IEEE 754 describes it.
struct Format {
  int fraction_bits;
  int exponent_bits;

  int bias() const { return (1 << (exponent_bits - 1)) - 1; }
};

constexpr Format kFp16 = {10, 5};
constexpr Format kBf16 = {7, 8};

uint32_t BitsOf(float value) {
  uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

float FloatOf(uint32_t bits) {
  float value = 0;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

float SlowToFloat(const Format& format, int half) {
  const int sign = half >> 15;
  const int exponent = (half >> format.fraction_bits) & ((1 << format.exponent_bits) - 1);
  const int fraction = half & ((1 << format.fraction_bits) - 1);
  float magnitude = 0;
  if (exponent == (1 << format.exponent_bits) - 1) {
    const uint32_t quiet = fraction == 0 ? 0 : 0x00400000U;
    magnitude = FloatOf(0x7F800000U | quiet | static_cast<uint32_t>(fraction) << (23 - format.fraction_bits));
  } else if (exponent == 0) {
    magnitude = std::ldexp(static_cast<float>(fraction), 1 - format.bias() - format.fraction_bits);
  } else {
    const int significand = fraction + (1 << format.fraction_bits);
    magnitude = std::ldexp(static_cast<float>(significand), exponent - format.bias() - format.fraction_bits);
  }
  return sign == 1 ? -magnitude : magnitude;
}

// `value`, no NaN, rounded to the nearest of the format, ties to even: std::nearbyint rounds so.
float SlowRound(const Format& format, float value) {
  if (value == 0 || std::isinf(value)) {
    return value;
  }
  const int exponent = std::max(std::ilogb(value), 1 - format.bias());
  const int quantum = exponent - format.fraction_bits;
  const double rounded = std::ldexp(std::nearbyint(std::ldexp(static_cast<double>(value), -quantum)), quantum);
  return std::abs(rounded) >= std::ldexp(1.0, format.bias() + 1) ? std::copysign(std::numeric_limits<float>::infinity(), value)
                                                                 : static_cast<float>(rounded);
}

// Every pattern of the upper half of a float, with lower halves that make exact values, ties and neighbours of ties in both
// formats.
std::vector<float> FloatsToRound() {
  std::vector<float> values;
  for (uint32_t upper = 0; upper < kPatterns; ++upper) {
    for (const uint32_t lower :
         {0x0000U, 0x0001U, 0x0FFFU, 0x1000U, 0x1001U, 0x3000U, 0x7FFFU, 0x8000U, 0x8001U, 0xC000U, 0xFFFFU}) {
      values.push_back(FloatOf(upper << 16 | lower));
    }
  }
  return values;
}

class HalfKernelsTest : public testing::TestWithParam<CpuLevel> {
 protected:
  void ReadsEveryPattern(const Format& format, const HalfKernels& kernels) {
    std::vector<uint16_t> halves(kPatterns);
    for (int half = 0; half < kPatterns; ++half) {
      halves[half] = static_cast<uint16_t>(half);
    }
    std::vector<float> values(kPatterns);
    kernels.to_floats(Unaligned(halves).data(), kPatterns, values.data());
    for (int half = 0; half < kPatterns; ++half) {
      ASSERT_EQ(BitsOf(values[half]), BitsOf(SlowToFloat(format, half))) << half;
    }
  }

  void RoundsToTheNearest(const Format& format, const HalfKernels& kernels) {
    const std::vector<float> values = FloatsToRound();
    std::vector<uint16_t> halves(values.size());
    kernels.from_floats(Unaligned(values).data(), static_cast<int64_t>(values.size()), halves.data());
    for (size_t i = 0; i < values.size(); ++i) {
      const float rounded = SlowToFloat(format, halves[i]);
      if (std::isnan(values[i])) {
        // The sign, the upper bits of the payload, and the mark of a quiet NaN.
        const uint32_t kept = ~((1U << (23 - format.fraction_bits)) - 1);
        ASSERT_EQ(BitsOf(rounded), (BitsOf(values[i]) & kept) | 0x00400000U) << BitsOf(values[i]);
      } else {
        ASSERT_EQ(BitsOf(rounded), BitsOf(SlowRound(format, values[i]))) << BitsOf(values[i]);
      }
    }
  }

  void ConvertsAnyCount(const HalfKernels& kernels) {
    const std::vector<float> values = RandomFloats(40, 1);
    std::vector<uint16_t> all(values.size());
    kernels.from_floats(values.data(), static_cast<int64_t>(values.size()), all.data());
    for (int count = 0; count <= 40; ++count) {
      std::vector<uint16_t> halves(count);
      std::vector<float> back(count);
      kernels.from_floats(values.data(), count, halves.data());
      kernels.to_floats(halves.data(), count, back.data());
      for (int i = 0; i < count; ++i) {
        EXPECT_EQ(halves[i], all[i]);
        EXPECT_NEAR(back[i], values[i], 1.0 / 256);
      }
    }
  }

  void EqualsSlowLoops(const Format& format, const HalfKernels& kernels) {
    constexpr uint32_t kIds[] = {1, 0, 1};
    const std::vector<float> values = RandomFloats(kMaxDimension, 2);
    std::vector<uint16_t> halves(kRows * kMaxDimension);
    kernels.from_floats(RandomFloats(kRows * kMaxDimension, 3).data(), kRows * kMaxDimension, halves.data());
    std::vector<double> exact(halves.size());
    for (size_t i = 0; i < halves.size(); ++i) {
      exact[i] = SlowToFloat(format, halves[i]);
    }
    for (int dimension = 1; dimension <= kMaxDimension; ++dimension) {
      const Unaligned query(std::vector<float>(values.begin(), values.begin() + dimension));
      const Unaligned rows(std::vector<uint16_t>(halves.begin(), halves.begin() + kRows * dimension));
      float products[3];
      float distances[3];
      kernels.dot_products(query.data(), {rows.data(), dimension, nullptr, kRows}, dimension, products);
      kernels.squared_distances(query.data(), {rows.data(), dimension, kIds, 3}, dimension, distances);
      double product = 0;
      double size = 0;
      double distance = 0;
      for (int i = 0; i < dimension; ++i) {
        const double other = exact[dimension + i];
        product += values[i] * other;
        size += std::abs(values[i] * other);
        distance += (values[i] - other) * (values[i] - other);
      }
      ASSERT_NEAR(products[1], product, 1e-6 * size) << dimension;
      ASSERT_NEAR(distances[0], distance, 1e-6 * distance) << dimension;
      ASSERT_EQ(distances[2], distances[0]) << dimension;
      for (int64_t row = 0; row < kRows; ++row) {
        ASSERT_EQ(kernels.dot_product(query.data(), rows.data() + row * dimension, dimension), products[row]) << dimension;
        ASSERT_EQ(kernels.squared_distance(query.data(), rows.data() + row * dimension, dimension), distances[1 - row])
            << dimension;
      }
    }
  }

  const HalfKernels& fp16_ = Fp16KernelsFor(GetParam());
  const HalfKernels& bf16_ = Bf16KernelsFor(GetParam());
};

TEST_P(HalfKernelsTest, ReadEveryPatternOfFp16) {
  ReadsEveryPattern(kFp16, fp16_);
}

TEST_P(HalfKernelsTest, ReadEveryPatternOfBf16) {
  ReadsEveryPattern(kBf16, bf16_);
}

TEST_P(HalfKernelsTest, RoundFloatsToTheNearestFp16) {
  RoundsToTheNearest(kFp16, fp16_);
}

TEST_P(HalfKernelsTest, RoundFloatsToTheNearestBf16) {
  RoundsToTheNearest(kBf16, bf16_);
}

TEST_P(HalfKernelsTest, ConvertAnyCountOfFp16) {
  ConvertsAnyCount(fp16_);
}

TEST_P(HalfKernelsTest, ConvertAnyCountOfBf16) {
  ConvertsAnyCount(bf16_);
}

TEST_P(HalfKernelsTest, EqualSlowLoopsInEveryDimensionOfFp16) {
  EqualsSlowLoops(kFp16, fp16_);
}

TEST_P(HalfKernelsTest, EqualSlowLoopsInEveryDimensionOfBf16) {
  EqualsSlowLoops(kBf16, bf16_);
}

INSTANTIATE_TEST_SUITE_P(Levels, HalfKernelsTest, testing::ValuesIn(AvailableLevels()), LevelName);

TEST(Kernels, OfHalvesScoreWhatWasConverted) {
  constexpr int kDimension = 2;
  const float query[kDimension] = {1, 2};
  const float row[kDimension] = {0.5F, -3};  // Exact in both formats.
  uint16_t fp16[kDimension];
  uint16_t bf16[kDimension];
  FloatsToFp16(row, kDimension, fp16);
  FloatsToBf16(row, kDimension, bf16);
  float back[kDimension];
  Fp16ToFloats(fp16, kDimension, back);
  EXPECT_EQ(back[1], -3);
  Bf16ToFloats(bf16, kDimension, back);
  EXPECT_EQ(back[0], 0.5F);
  float scores[4];
  DotProductsFp16(query, fp16, 1, kDimension, &scores[0]);
  DotProductsBf16(query, bf16, 1, kDimension, &scores[1]);
  SquaredDistancesFp16(query, fp16, 1, kDimension, &scores[2]);
  SquaredDistancesBf16(query, bf16, 1, kDimension, &scores[3]);
  EXPECT_EQ(scores[0], -5.5F);
  EXPECT_EQ(scores[1], -5.5F);
  EXPECT_EQ(scores[2], 25.25F);
  EXPECT_EQ(scores[3], 25.25F);
  EXPECT_EQ(DotProductFp16(query, fp16, kDimension), scores[0]);
  EXPECT_EQ(DotProductBf16(query, bf16, kDimension), scores[1]);
  EXPECT_EQ(SquaredDistanceFp16(query, fp16, kDimension), scores[2]);
  EXPECT_EQ(SquaredDistanceBf16(query, bf16, kDimension), scores[3]);
}

}  // namespace
}  // namespace semblance::index
