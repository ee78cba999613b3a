// Nearest neighbours of unit vectors by cosine similarity, over rows that are written while searches run.
//
// Thread-safe: searches run concurrently with each other and with writes, and never wait for a writer. Writes are serialised by
// the caller (one writer at a time).
//
// Rows are immutable: a key (the sequence of the write) is added once, with its vector, and later deleted by a later sequence. The
// whole index moves from one applied sequence to the next: a search sees the rows with key <= S that were not deleted at or before
// S, for the one S that it returns. (Multi-version concurrency control; an update is a delete and an add at one sequence.)
//
// Vectors: float32, `dimension` components, unit length; the score is their inner product, in [-1, 1] up to rounding.
#ifndef SEMBLANCE_INDEX_VECTOR_INDEX_H_
#define SEMBLANCE_INDEX_VECTOR_INDEX_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "index/key_set.h"

namespace semblance::index {

// One row found.
struct ScoredKey {
  uint64_t key = 0;
  float score = 0;
};

// A row to add.
struct IndexAdd {
  uint64_t key = 0;
  // `dimension` floats; not kept.
  absl::Span<const float> vector;
};

// A row to delete, as of sequence `at`.
struct IndexDelete {
  uint64_t key = 0;
  uint64_t at = 0;
};

struct IndexSearchOptions {
  // How many, >= 1.
  int top_k = 10;
  // How many candidates a walk of a graph keeps; 0: as many as the target recall needed when the segment was sealed.
  int ef_search = 0;
  // How many inverted lists are looked at; 0: likewise.
  int nprobe = 0;
  // Compares with every row.
  bool exact = false;
  // Only rows with these keys; null: all. Must outlive the call.
  const KeySet* only = nullptr;
};

// The rows of one search and the state they are from.
struct IndexSearchResult {
  // A list per query: by descending score, ties by ascending key; fewer than top_k when the index holds fewer.
  std::vector<std::vector<ScoredKey>> neighbors;
  uint64_t applied_sequence = 0;
};

// For operators.
struct IndexStats {
  int64_t live_rows = 0;
  int64_t tombstone_rows = 0;
  int sealed_segments = 0;
  int64_t growing_rows = 0;
  // Memory of the rows, without mapped files.
  int64_t memory_bytes = 0;
  // What each sealed segment is, and why.
  std::vector<std::string> segments;
};

class VectorIndex {
 public:
  virtual ~VectorIndex() = default;

  virtual int dimension() const = 0;

  // Applies adds and deletes as one step: searches see none of it before the step and all of it after. Keys of adds are ascending
  // and greater than the applied sequence before; deletes of unknown keys are ignored. `sequence` becomes the applied sequence.
  // REQUIRES: one writer at a time. Errors: InvalidArgument (dimension; non-finite values; keys that do not ascend, a key or `at`
  // that is not greater than the applied sequence before, or greater than `sequence`); I/O errors. After an error the index still
  // answers from the state before, and the same step may be tried again.
  virtual absl::Status Apply(absl::Span<const IndexAdd> adds, absl::Span<const IndexDelete> deletes, uint64_t sequence) = 0;

  // The state that a search started now would see, or a later one.
  virtual uint64_t applied_sequence() const = 0;

  // The nearest rows to each of the queries (one or more, row-major, `dimension` columns), all at one applied sequence. Errors:
  // InvalidArgument (no query, a size that is no multiple of the dimension, or non-finite values; top_k < 1).
  virtual absl::StatusOr<IndexSearchResult> Search(absl::Span<const float> queries, const IndexSearchOptions& options) const = 0;

  // The vector of a row that is not yet dropped. Errors: NotFound.
  virtual absl::StatusOr<std::vector<float>> Vector(uint64_t key) const = 0;

  virtual IndexStats Stats() const = 0;
};

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_VECTOR_INDEX_H_
