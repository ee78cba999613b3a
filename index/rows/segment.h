// A part of an index: rows with a key, a vector and the sequence at which the row was deleted. Its arrays never move.
//
// Thread-safe for any number of readers beside one writer, which is the thread that deletes, and that appends to a growing segment.
// A row is visible at sequence S when key <= S < deleted_at. The writer publishes S after all changes that belong to S. So a reader
// that loads S first needs no lock, and does not see changes of later sequences.
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

// Values of deleted_at: for a row that is alive, and for a row that is visible at no sequence.
inline constexpr uint64_t kNeverDeleted = std::numeric_limits<uint64_t>::max();
inline constexpr uint64_t kNeverVisible = 0;

struct SegmentQuery {
  const float* vector = nullptr;
  // The sequence whose state is searched.
  uint64_t sequence = 0;
  int top_k = 0;
  // The same as in IndexSearchOptions.
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

  // Offers to `top` the best rows that the query may see. It tries to find the best top_k of them, and may offer more.
  virtual void Search(const SegmentQuery& query, TopRows* top) const { Scan(query, top); }

  // Returns the row with this key that is visible at some sequence; -1 when there is none.
  virtual int64_t Find(uint64_t key) const = 0;

  // Returns the bytes of memory that the rows take, without mapped files.
  virtual int64_t memory_bytes() const = 0;

  int dimension() const { return dimension_; }
  // Returns the number in the name of the file that holds the rows.
  uint64_t file_number() const { return file_number_; }
  int64_t rows() const { return rows_.load(std::memory_order_acquire); }
  int64_t deleted_rows() const { return deleted_rows_.load(std::memory_order_relaxed); }
  int64_t live_rows() const { return rows() - deleted_rows(); }

  // REQUIRES of all four: 0 <= row < rows().
  uint64_t key(int64_t row) const { return keys_[row]; }
  const float* vector(int64_t row) const { return vectors_ + row * dimension_; }
  uint64_t deleted_at(int64_t row) const { return ~deleted_at_[row].load(std::memory_order_relaxed); }
  // Deletes a row at sequence `at`, unless it is deleted already. Only the writer calls it.
  void Delete(int64_t row, uint64_t at);

  // Returns true if the query may see the row.
  bool Shows(int64_t row, const SegmentQuery& query) const {
    return keys_[row] <= query.sequence && query.sequence < deleted_at(row) &&
           (query.only == nullptr || query.only->Contains(keys_[row]));
  }

 protected:
  Segment(uint64_t file_number, int dimension, int64_t capacity);

  // Searches by looking at every row.
  void Scan(const SegmentQuery& query, TopRows* top) const;
  // Searches by looking at the rows with these keys.
  void ScanKeys(const SegmentQuery& query, absl::Span<const uint64_t> keys, TopRows* top) const;
  // Offers those of `rows` that the query may see.
  void OfferRows(const SegmentQuery& query, absl::Span<const uint32_t> rows, TopRows* top) const;

  int64_t base_memory_bytes() const { return rows() * static_cast<int64_t>(sizeof(uint64_t)) * (deleted_rows() > 0 ? 2 : 1); }

  const uint64_t file_number_;
  const int dimension_;
  BigArray<uint64_t> keys_;
  const float* vectors_ = nullptr;  // The subclass owns the vectors.
  // The number of complete rows.
  std::atomic<int64_t> rows_{0};

 private:
  // Complements of deleted_at, so that memory that was never written means "alive".
  BigArray<std::atomic<uint64_t>> deleted_at_;
  std::atomic<int64_t> deleted_rows_{0};
};

// Tells which rows of a segment a query may see.
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
