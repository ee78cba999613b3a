#include "index/key_set.h"

#include <algorithm>
#include <utility>

namespace semblance::index {
namespace {

// The bitmap may take as much memory as the keys do, or one megabyte if that is more.
constexpr uint64_t kBitsPerKey = 64;
constexpr uint64_t kBitsAnyway = uint64_t{1} << 23;

}  // namespace

KeySet::KeySet(std::vector<uint64_t> keys) : keys_(std::move(keys)) {
  std::sort(keys_.begin(), keys_.end());
  keys_.erase(std::unique(keys_.begin(), keys_.end()), keys_.end());
  if (keys_.empty() || keys_.back() - keys_.front() >= kBitsAnyway + kBitsPerKey * keys_.size()) {
    return;
  }
  bits_.resize((keys_.back() - keys_.front()) / 64 + 1);
  for (const uint64_t key : keys_) {
    const uint64_t offset = key - keys_.front();
    bits_[offset / 64] |= uint64_t{1} << (offset % 64);
  }
}

bool KeySet::Contains(uint64_t key) const {
  if (keys_.empty() || key < keys_.front() || key > keys_.back()) {
    return false;
  }
  if (bits_.empty()) {
    return std::binary_search(keys_.begin(), keys_.end(), key);
  }
  const uint64_t offset = key - keys_.front();
  return (bits_[offset / 64] >> (offset % 64) & 1) != 0;
}

absl::Span<const uint64_t> KeySet::Between(uint64_t first, uint64_t last) const {
  const auto begin = std::lower_bound(keys_.begin(), keys_.end(), first);
  const auto end = std::upper_bound(begin, keys_.end(), last);
  return absl::MakeConstSpan(keys_).subspan(static_cast<size_t>(begin - keys_.begin()), static_cast<size_t>(end - begin));
}

}  // namespace semblance::index
