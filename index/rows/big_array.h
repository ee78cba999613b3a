// An array of plain values that owns its memory, which is zeroed, and aligned for SIMD. A large array lies on huge pages: a graph
// search visits rows anywhere in it, and with small pages translating their addresses would take as long as reading them.
//
// Thread-compatible. Parts that were never written take no physical memory.
#ifndef SEMBLANCE_INDEX_ROWS_BIG_ARRAY_H_
#define SEMBLANCE_INDEX_ROWS_BIG_ARRAY_H_

#include <cstddef>
#include <type_traits>
#include <utility>

namespace semblance::index {

// Returns zeroed memory that begins at a page. Throws std::bad_alloc.
void* AllocateBig(size_t bytes);
void FreeBig(void* memory, size_t bytes);

template <typename T>
class BigArray {
 public:
  static_assert(std::is_trivially_destructible_v<T>);

  BigArray() = default;
  explicit BigArray(size_t size) : data_(size == 0 ? nullptr : static_cast<T*>(AllocateBig(size * sizeof(T)))), size_(size) {}
  ~BigArray() {
    if (data_ != nullptr) {
      FreeBig(data_, size_ * sizeof(T));
    }
  }
  BigArray(BigArray&& other) noexcept : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  BigArray& operator=(BigArray&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  size_t size() const { return size_; }
  size_t bytes() const { return size_ * sizeof(T); }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }

 private:
  T* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_ROWS_BIG_ARRAY_H_
