// A segment with given rows, whose protected ways to search are public. The keys of the rows are given too.
//
// Thread-safety: see index/rows/segment.h.
#ifndef SEMBLANCE_TESTS_INDEX_ROWS_ROW_SEGMENT_H_
#define SEMBLANCE_TESTS_INDEX_ROWS_ROW_SEGMENT_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "index/rows/segment.h"

namespace semblance::index {

class RowSegment final : public Segment {
 public:
  // `vectors` is row-major and has a row for each key. It must outlive the segment.
  RowSegment(int dimension, const std::vector<uint64_t>& keys, const float* vectors)
      : Segment(/*file_number=*/7, dimension, static_cast<int64_t>(keys.size())) {
    std::copy(keys.begin(), keys.end(), keys_.data());
    vectors_ = vectors;
    rows_.store(static_cast<int64_t>(keys.size()), std::memory_order_release);
  }

  using Segment::base_memory_bytes;
  using Segment::OfferRows;
  using Segment::Scan;
  using Segment::ScanKeys;

  int64_t Find(uint64_t key) const override {
    for (int64_t row = 0; row < rows(); ++row) {
      if (keys_[row] == key && deleted_at(row) != kNeverVisible) {
        return row;
      }
    }
    return -1;
  }

  int64_t memory_bytes() const override { return base_memory_bytes(); }
};

}  // namespace semblance::index

#endif  // SEMBLANCE_TESTS_INDEX_ROWS_ROW_SEGMENT_H_
