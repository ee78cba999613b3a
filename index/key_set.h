// The keys that a search is restricted to.
//
// Thread-compatible: const methods may run concurrently.
#ifndef SEMBLANCE_INDEX_KEY_SET_H_
#define SEMBLANCE_INDEX_KEY_SET_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace semblance::index {

class KeySet {
 public:
  // In any order; a key may come twice.
  explicit KeySet(std::vector<uint64_t> keys);

  bool Contains(uint64_t key) const;

  // Those from `first` to `last`, both included, ascending.
  absl::Span<const uint64_t> Between(uint64_t first, uint64_t last) const;

  // Ascending.
  absl::Span<const uint64_t> keys() const { return keys_; }

 private:
  std::vector<uint64_t> keys_;
  // A bit per key from the first to the last; empty where the keys lie too far apart for that.
  std::vector<uint64_t> bits_;
};

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_KEY_SET_H_
