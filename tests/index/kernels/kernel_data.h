// What the tests of the kernels share: the levels to run, and data that is aligned to nothing.
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

// Beyond every unrolled loop, with every remainder of it.
constexpr int kMaxDimension = 1100;

// Every level that this processor has.
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

// A copy of `values` that ends with its allocation, for AddressSanitizer to see a read beyond it, and starts at an odd address.
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
