// A set of keys. A search that is given one returns rows with these keys only.
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
  // Takes keys in any order; a key may come twice.
  explicit KeySet(std::vector<uint64_t> keys);

  bool Contains(uint64_t key) const;

  // Returns the keys from `first` to `last`, both included, in ascending order.
  absl::Span<const uint64_t> Between(uint64_t first, uint64_t last) const;

  // Returns all keys in ascending order.
  absl::Span<const uint64_t> keys() const { return keys_; }

 private:
  std::vector<uint64_t> keys_;
  // One bit for each number from the first key to the last. Empty when the keys lie so far apart that the bits would waste memory.
  std::vector<uint64_t> bits_;
};

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_KEY_SET_H_
