// The segment that takes writes. It has room for a fixed number of rows, keeps them in the order of their arrival, and is searched
// exactly.
//
// Thread-safety: see segment.h.
#ifndef SEMBLANCE_INDEX_SEGMENTS_GROWING_SEGMENT_H_
#define SEMBLANCE_INDEX_SEGMENTS_GROWING_SEGMENT_H_

#include <cstdint>

#include "absl/types/span.h"
#include "index/rows/row_bounds.h"
#include "index/rows/segment.h"
#include "index/vector_index.h"

namespace semblance::index {

class GrowingSegment final : public Segment {
 public:
  // `file_number` is the number in the name of its vector log.
  GrowingSegment(uint64_t file_number, int dimension, int64_t capacity);

  // Returns how many rows can still be appended.
  int64_t room() const { return capacity_ - rows(); }

  // Appends rows. REQUIRES: called by the writer; no more rows than room().
  void Append(absl::Span<const IndexAdd> adds);

  // Finds the same rows as a scan of everything.
  void Search(const SegmentQuery& query, TopRows* top) const override;
  int64_t Find(uint64_t key) const override;
  int64_t memory_bytes() const override {
    return base_memory_bytes() + rows() * (dimension_ * static_cast<int64_t>(sizeof(float)) + bounds_.bytes_per_row());
  }

 private:
  const int64_t capacity_;
  BigArray<float> storage_;
  RowBounds bounds_;
};

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_SEGMENTS_GROWING_SEGMENT_H_
