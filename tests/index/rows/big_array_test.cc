#include "index/rows/big_array.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <limits>
#include <new>
#include <utility>

#include "gtest/gtest.h"

namespace semblance::index {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;

uintptr_t AddressOf(const void* memory) {
  return reinterpret_cast<uintptr_t>(memory);
}

// Returns the number of bytes of this process that are in physical memory.
int64_t ResidentBytes() {
  int64_t total = 0;
  int64_t resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

TEST(BigArray, IsZeroedWhateverItsSize) {
  for (const size_t size : {size_t{1}, size_t{4096}, kHugePage - 1, kHugePage, kHugePage + 1, 3 * kHugePage}) {
    BigArray<uint8_t> array(size);
    ASSERT_EQ(array.size(), size);
    EXPECT_TRUE(std::all_of(array.data(), array.data() + size, [](uint8_t value) { return value == 0; })) << size;
    std::fill_n(array.data(), size, uint8_t{0xff});
  }
}

TEST(BigArray, BeginsAtAPageAndALargeOneAtAHugePage) {
  const BigArray<float> small(10);
  EXPECT_EQ(AddressOf(small.data()) % static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE)), 0U);
  for (const size_t bytes : {kHugePage, kHugePage + 4, 5 * kHugePage}) {
    const BigArray<float> large(bytes / sizeof(float));
    EXPECT_EQ(AddressOf(large.data()) % kHugePage, 0U) << bytes;
  }
}

TEST(BigArray, TakesNoMemoryWhereItWasNeverWritten) {
  constexpr size_t kBytes = size_t{4} << 30;
  const int64_t before = ResidentBytes();
  BigArray<uint8_t> array(kBytes);
  array[kBytes - 1] = 1;
  EXPECT_LT(ResidentBytes() - before, int64_t{64} << 20);
}

TEST(BigArray, GivesItsMemoryBack) {
  constexpr size_t kBytes = 16 * kHugePage + 1;
  const int64_t before = ResidentBytes();
  for (int i = 0; i < 50; ++i) {
    BigArray<uint8_t> array(kBytes);
    std::fill_n(array.data(), kBytes, uint8_t{1});
  }
  EXPECT_LT(ResidentBytes() - before, static_cast<int64_t>(10 * kBytes));
}

TEST(BigArray, MovesItsMemory) {
  BigArray<int> first(100);
  first[7] = 42;
  const int* const memory = first.data();
  BigArray<int> second(std::move(first));
  EXPECT_EQ(second.data(), memory);
  EXPECT_EQ(second.size(), 100U);
  EXPECT_EQ(first.size(), 0U);  // NOLINT(bugprone-use-after-move): the class defines this state.
  BigArray<int> third(3);
  third = std::move(second);
  EXPECT_EQ(third[7], 42);
  EXPECT_EQ(third.bytes(), 100 * sizeof(int));
}

TEST(BigArray, OfNothingHasNoMemory) {
  const BigArray<int> none;
  const BigArray<int> zero(0);
  EXPECT_EQ(none.data(), nullptr);
  EXPECT_EQ(zero.data(), nullptr);
  EXPECT_EQ(zero.bytes(), 0U);
}

TEST(BigArray, ThrowsWhenTheAddressSpaceIsTooSmall) {
  EXPECT_THROW(BigArray<uint8_t>(std::numeric_limits<size_t>::max() / 2), std::bad_alloc);
}

}  // namespace
}  // namespace semblance::index
