#include "index/segments/growing_segment.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace semblance::index {

GrowingSegment::GrowingSegment(uint64_t file_number, int dimension, int64_t capacity)
    : Segment(file_number, dimension, capacity),
      capacity_(capacity),
      storage_(static_cast<size_t>(capacity) * dimension),
      bounds_(dimension, capacity) {
  vectors_ = storage_.data();
}

void GrowingSegment::Append(absl::Span<const IndexAdd> adds) {
  int64_t row = rows();
  for (const IndexAdd& add : adds) {
    keys_[row] = add.key;
    std::copy(add.vector.begin(), add.vector.end(), storage_.data() + row * dimension_);
    bounds_.SetRow(row, add.vector.data());
    ++row;
  }
  rows_.store(row, std::memory_order_release);
}

void GrowingSegment::Search(const SegmentQuery& query, TopRows* top) const {
  if (query.exact) {
    return Scan(query, top);  // Users check the other way against this one.
  }
  const RowBounds::Query bound_query(bounds_, query.vector);
  const int64_t rows = this->rows();
  const int64_t blocks = rows / RowBounds::kBlockRows;
  std::vector<uint32_t> maybe;
  for (int64_t block = 0; block < blocks; block += RowBounds::kMaxBlocks) {
    maybe.clear();
    bounds_.FindAbove(bound_query, block, std::min(RowBounds::kMaxBlocks, blocks - block), top->worst_score(), &maybe);
    OfferRows(query, maybe, top);
  }
  maybe.resize(static_cast<size_t>(rows % RowBounds::kBlockRows));
  std::iota(maybe.begin(), maybe.end(), static_cast<uint32_t>(blocks * RowBounds::kBlockRows));
  OfferRows(query, maybe, top);
}

// Rows are not sorted by key, because AddMissing may add them in any order. So all keys are compared, the newest first. For 8,192
// keys this takes about 2 microseconds.
int64_t GrowingSegment::Find(uint64_t key) const {
  for (int64_t row = rows() - 1; row >= 0; --row) {
    if (keys_[row] == key && deleted_at(row) != kNeverVisible) {
      return row;
    }
  }
  return -1;
}

}  // namespace semblance::index
