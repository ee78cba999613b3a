// The kind of index that a sealed segment is, written as FAISS's index factory writes it.
//
// Thread-safe: functions without state.
//
//   Flat                    every row is compared
//   HNSW16                  a graph with M = 16; full precision in memory
//   HNSW16,SQ8,RFlat        the same, but full-precision vectors stay in the file, which is mapped
//   IVF1024,Flat            1,024 lists of rows around k-means centroids
//   IVF1024,PQ16,RFlat      the same over product codes of 16 bytes; full-precision vectors stay in the file
//   auto                    one of these, chosen by rows, dimension and memory
//
// All kinds but Flat look for candidates in compressed rows, or in a part of the rows. RFlat compares the best candidates again at
// full precision; HNSW16 does that too. IVF0 chooses the number of lists, about 4 times the square root of the number of rows.
#ifndef SEMBLANCE_INDEX_INDEX_SPEC_H_
#define SEMBLANCE_INDEX_INDEX_SPEC_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace semblance::index {

struct IndexSpec {
  enum class Kind { kAuto, kFlat, kHnsw, kIvfFlat, kIvfPq };

  Kind kind = Kind::kAuto;
  // HNSW only: links of a node above the ground level, 4 to 128.
  int hnsw_m = 16;
  // IVF only: number of lists; 0 chooses it by the number of rows.
  int lists = 0;
  // IVF-PQ only: bytes of a product code, a divisor of the dimension.
  int pq_bytes = 0;
  // True when full-precision vectors stay in the file.
  bool mapped = false;

  friend bool operator==(const IndexSpec&, const IndexSpec&) = default;
};

// Parses a factory string. Errors: InvalidArgument, with the grammar in its message.
absl::StatusOr<IndexSpec> ParseIndexSpec(absl::string_view factory);

// Checks that vectors of that dimension can have an index of this kind. Errors: InvalidArgument.
absl::Status ValidateIndexSpec(const IndexSpec& spec, int dimension);

// Returns the factory string, from which ParseIndexSpec makes an equal spec.
std::string ToString(const IndexSpec& spec);

// Estimates the bytes of memory of a segment with `rows` rows.
int64_t EstimateMemoryBytes(const IndexSpec& spec, int dimension, int64_t rows);

struct ChosenIndexSpec {
  IndexSpec spec;
  // The reason for the choice, in words for an operator.
  std::string why;
};

// Resolves kAuto. A segment of few rows becomes Flat; otherwise the fastest kind is chosen whose memory for `index_rows`, the rows
// of the whole index, fits the budget. Any other spec is returned unchanged.
ChosenIndexSpec ChooseIndexSpec(const IndexSpec& spec, int dimension, int64_t segment_rows, int64_t index_rows,
                                int64_t memory_budget_bytes);

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_INDEX_SPEC_H_
