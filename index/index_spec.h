// Which kind of index a sealed segment is, in the words of FAISS's index factory.
//
// Thread-safe: functions without state.
//
//   Flat                    every row is compared
//   HNSW16                  a graph with M = 16; full precision in memory
//   HNSW16,SQ8,RFlat        the same; full precision stays in the file, which is mapped
//   IVF1024,Flat            1,024 lists of rows around k-means centroids
//   IVF1024,PQ16,RFlat      the same over product codes of 16 bytes; full precision stays in the file
//   auto                    one of these, by rows, dimension and memory
//
// All kinds but Flat find candidates in a compressed form or a part of the rows; RFlat compares the best again at full precision,
// which HNSW16 does too. IVF0 chooses the number of lists: about 4 times the square root of the rows.
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
  // HNSW: links of a node above the ground, 4 to 128.
  int hnsw_m = 16;
  // IVF: lists; 0: by the number of rows.
  int lists = 0;
  // IVF-PQ: bytes of a code, a divisor of the dimension.
  int pq_bytes = 0;
  // Full-precision vectors stay in the file.
  bool mapped = false;

  friend bool operator==(const IndexSpec&, const IndexSpec&) = default;
};

// Errors: InvalidArgument with the grammar.
absl::StatusOr<IndexSpec> ParseIndexSpec(absl::string_view factory);

// Whether vectors of that dimension can be indexed so. Errors: InvalidArgument.
absl::Status ValidateIndexSpec(const IndexSpec& spec, int dimension);

// The inverse of ParseIndexSpec.
std::string ToString(const IndexSpec& spec);

// Bytes of memory that a segment of `rows` takes.
int64_t EstimateMemoryBytes(const IndexSpec& spec, int dimension, int64_t rows);

struct ChosenIndexSpec {
  IndexSpec spec;
  // For an operator.
  std::string why;
};

// Resolves kAuto: the fastest kind whose memory for `index_rows`, the rows of the whole index, fits the budget; Flat for a segment
// of few rows. Returns any other spec as it is.
ChosenIndexSpec ChooseIndexSpec(const IndexSpec& spec, int dimension, int64_t segment_rows, int64_t index_rows,
                                int64_t memory_budget_bytes);

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_INDEX_SPEC_H_
