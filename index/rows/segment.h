// A part of an index: rows of (key, vector) in arrays that never move, each with the sequence at which it was deleted.
//
// Thread-safe for any number of readers beside one writer (the thread that deletes, and appends to a growing segment). A row is
// visible at sequence S when key <= S < deleted_at. The writer publishes S after everything that belongs to it; a reader that took
// S first therefore needs no lock, and sees none of what later sequences change.
#ifndef SEMBLANCE_INDEX_ROWS_SEGMENT_H_
#define SEMBLANCE_INDEX_ROWS_SEGMENT_H_

#include <atomic>
#include <cstdint>
#include <limits>

#include "absl/types/span.h"
#include "index/key_set.h"
#include "index/rows/big_array.h"
#include "index/rows/top_rows.h"

namespace semblance::index {

// The deleted_at of a row that is alive, and of a row that no sequence shows.
inline constexpr uint64_t kNeverDeleted = std::numeric_limits<uint64_t>::max();
inline constexpr uint64_t kNeverVisible = 0;

struct SegmentQuery {
  const float* vector = nullptr;
  // The state to search.
  uint64_t sequence = 0;
  int top_k = 0;
  // See IndexSearchOptions.
  int ef_search = 0;
  int nprobe = 0;
  bool exact = false;
  const KeySet* only = nullptr;
};

class Segment {
 public:
  virtual ~Segment() = default;
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;

  // Offers to `top` at least the best top_k rows that the query may see, as far as they are found.
  virtual void Search(const SegmentQuery& query, TopRows* top) const { Scan(query, top); }

  // The row with this key that some sequence shows; -1: none.
  virtual int64_t Find(uint64_t key) const = 0;

  // Bytes of memory that the rows take, without files that are mapped.
  virtual int64_t memory_bytes() const = 0;

  int dimension() const { return dimension_; }
  // Names the file that holds the rows.
  uint64_t file_number() const { return file_number_; }
  int64_t rows() const { return rows_.load(std::memory_order_acquire); }
  int64_t deleted_rows() const { return deleted_rows_.load(std::memory_order_relaxed); }
  int64_t live_rows() const { return rows() - deleted_rows(); }

  // REQUIRES of all four: 0 <= row < rows().
  uint64_t key(int64_t row) const { return keys_[row]; }
  const float* vector(int64_t row) const { return vectors_ + row * dimension_; }
  uint64_t deleted_at(int64_t row) const { return ~deleted_at_[row].load(std::memory_order_relaxed); }
  // Keeps the first deletion of a row. Only the writer calls it.
  void Delete(int64_t row, uint64_t at);

  // Whether the query may see the row.
  bool Shows(int64_t row, const SegmentQuery& query) const {
    return keys_[row] <= query.sequence && query.sequence < deleted_at(row) &&
           (query.only == nullptr || query.only->Contains(keys_[row]));
  }

 protected:
  Segment(uint64_t file_number, int dimension, int64_t capacity);

  // Search by looking at every row.
  void Scan(const SegmentQuery& query, TopRows* top) const;
  // Search by looking at the rows with these keys.
  void ScanKeys(const SegmentQuery& query, absl::Span<const uint64_t> keys, TopRows* top) const;
  // Offers the rows that the query may see, among `rows`.
  void OfferRows(const SegmentQuery& query, absl::Span<const uint32_t> rows, TopRows* top) const;

  int64_t base_memory_bytes() const { return rows() * static_cast<int64_t>(sizeof(uint64_t)) * (deleted_rows() > 0 ? 2 : 1); }

  const uint64_t file_number_;
  const int dimension_;
  BigArray<uint64_t> keys_;
  const float* vectors_ = nullptr;  // Belongs to the subclass.
  // Counts the rows that are complete.
  std::atomic<int64_t> rows_{0};

 private:
  // Complements, so that memory which was never written means: alive.
  BigArray<std::atomic<uint64_t>> deleted_at_;
  std::atomic<int64_t> deleted_rows_{0};
};

// The rows of a segment that a query may see.
class RowFilter {
 public:
  // Both must outlive the filter.
  RowFilter(const Segment* segment, const SegmentQuery* query) : segment_(*segment), query_(*query) {}

  bool Passes(int64_t row) const { return segment_.Shows(row, query_); }

 private:
  const Segment& segment_;
  const SegmentQuery& query_;
};

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_ROWS_SEGMENT_H_
