#include "index/rows/segment.h"

#include <algorithm>
#include <vector>

#include "index/kernels/kernels.h"

namespace semblance::index {

Segment::Segment(uint64_t file_number, int dimension, int64_t capacity)
    : file_number_(file_number),
      dimension_(dimension),
      keys_(static_cast<size_t>(capacity)),
      deleted_at_(static_cast<size_t>(capacity)) {}

void Segment::Delete(int64_t row, uint64_t at) {
  if (deleted_at(row) != kNeverDeleted) {
    return;
  }
  deleted_at_[row].store(~at, std::memory_order_relaxed);
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
      if (top->MayKeep(scores[i]) && Shows(begin + i, query)) {
        top->Offer(keys_[begin + i], scores[i]);
      }
    }
  }
}

void Segment::ScanKeys(const SegmentQuery& query, absl::Span<const uint64_t> keys, TopRows* top) const {
  std::vector<uint32_t> rows;
  rows.reserve(keys.size());
  for (const uint64_t key : keys) {
    if (const int64_t row = Find(key); row >= 0) {
      rows.push_back(static_cast<uint32_t>(row));
    }
  }
  OfferRows(query, rows, top);
}

void Segment::OfferRows(const SegmentQuery& query, absl::Span<const uint32_t> rows, TopRows* top) const {
  if (rows.empty()) {
    return;
  }
  std::vector<float> scores(rows.size());
  DotProductsGather(query.vector, vectors_, rows, dimension_, scores.data());
  for (size_t i = 0; i < rows.size(); ++i) {
    if (top->MayKeep(scores[i]) && Shows(rows[i], query)) {
      top->Offer(keys_[rows[i]], scores[i]);
    }
  }
}

}  // namespace semblance::index
