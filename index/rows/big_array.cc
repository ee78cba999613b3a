#include "index/rows/big_array.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>

namespace semblance::index {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;

size_t RoundUp(size_t bytes, size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

void* Map(size_t bytes) {
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    throw std::bad_alloc();
  }
  return memory;
}

}  // namespace

void* AllocateBig(size_t bytes) {
  if (bytes < kHugePage) {
    return Map(bytes);
  }
  // A huge page begins at a multiple of its size. So one more page is mapped, and the surplus at both ends is returned.
  const size_t size = RoundUp(bytes, kHugePage);
  char* const begin = static_cast<char*>(Map(size + kHugePage));
  const auto address = reinterpret_cast<uintptr_t>(begin);
  char* const aligned = begin + (RoundUp(address, kHugePage) - address);
  if (aligned > begin) {
    ::munmap(begin, static_cast<size_t>(aligned - begin));
  }
  ::munmap(aligned + size, static_cast<size_t>(begin + kHugePage - aligned));
  ::madvise(aligned, size, MADV_HUGEPAGE);  // Best effort: a kernel without huge pages serves small ones.
  return aligned;
}

void FreeBig(void* memory, size_t bytes) {
  ::munmap(memory, bytes < kHugePage ? bytes : RoundUp(bytes, kHugePage));
}

}  // namespace semblance::index
