#include "index/segment.h"

#include <algorithm>

#include "index/kernels.h"

namespace semblance {

Segment::Segment(uint64_t file_number, int dimension, int64_t capacity)
    : file_number_(file_number),
      dimension_(dimension),
      keys_(new uint64_t[capacity]),
      deleted_at_(new std::atomic<uint64_t>[capacity]) {
  std::fill_n(deleted_at_.get(), capacity, kNeverDeleted);
}

void Segment::Delete(int64_t row, uint64_t at) {
  if (deleted_at(row) != kNeverDeleted) {
    return;
  }
  deleted_at_[row].store(at, std::memory_order_relaxed);
  deleted_rows_.fetch_add(1, std::memory_order_relaxed);
}

void Segment::Scan(const SegmentQuery& query, TopRows* top) const {
  constexpr int64_t kBlockRows = 256;
  float scores[kBlockRows];
  const int64_t rows = this->rows();
  for (int64_t begin = 0; begin < rows; begin += kBlockRows) {
    const int64_t count = std::min(kBlockRows, rows - begin);
    DotProducts(query.vector, vector(begin), count, dimension_, scores);
    for (int64_t i = 0; i < count; ++i) {
      if (top->MayKeep(scores[i]) && VisibleAt(begin + i, query.sequence)) {
        top->Offer(keys_[begin + i], scores[i]);
      }
    }
  }
}

}  // namespace semblance
