// Helpers for the tests of the kernels: levels to run, random rows, and data without any alignment.
#ifndef SEMBLANCE_TESTS_INDEX_KERNELS_KERNEL_DATA_H_
#define SEMBLANCE_TESTS_INDEX_KERNELS_KERNEL_DATA_H_

#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "index/kernels/cpu_level.h"

namespace semblance::index {

// Dimensions up to this one reach every unrolled loop with every remainder.
constexpr int kMaxDimension = 1100;

// Returns every level that this processor has.
inline std::vector<CpuLevel> AvailableLevels() {
  std::vector<CpuLevel> levels;
  for (int level = 0; level <= static_cast<int>(DetectCpuLevel()); ++level) {
    levels.push_back(static_cast<CpuLevel>(level));
  }
  return levels;
}

inline std::string LevelName(const testing::TestParamInfo<CpuLevel>& info) {
  constexpr const char* kNames[] = {"Baseline", "Avx2", "Avx512", "Avx512Vnni"};
  return kNames[static_cast<int>(info.param)];
}

inline std::vector<float> RandomFloats(int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> values(count);
  for (float& value : values) {
    value = uniform(random);
  }
  return values;
}

inline std::vector<int8_t> RandomInt8Query(int dimension, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<int8_t> values(dimension);
  for (int8_t& value : values) {
    value = static_cast<int8_t>(static_cast<int>(random() % 255) - 127);
  }
  return values;
}

inline std::vector<uint8_t> RandomBytes(int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<uint8_t> values(count);
  for (uint8_t& value : values) {
    value = static_cast<uint8_t>(random() % 256);
  }
  return values;
}

// The inner product of a query and a row of bytes, by a plain loop.
inline int64_t SlowDot(const int8_t* query, const uint8_t* row, int dimension) {
  int64_t sum = 0;
  for (int i = 0; i < dimension; ++i) {
    sum += (int64_t{row[i]} - 128) * query[i];
  }
  return sum;
}

// A copy of `values` at an odd address. It ends where its allocation ends, so that AddressSanitizer sees every read behind it.
template <typename Value>
class Unaligned {
 public:
  explicit Unaligned(const std::vector<Value>& values) : bytes_(1 + values.size() * sizeof(Value)) {
    std::memcpy(bytes_.data() + 1, values.data(), values.size() * sizeof(Value));
  }

  const Value* data() const { return reinterpret_cast<const Value*>(bytes_.data() + 1); }

 private:
  std::vector<char> bytes_;
};

}  // namespace semblance::index

#endif  // SEMBLANCE_TESTS_INDEX_KERNELS_KERNEL_DATA_H_
