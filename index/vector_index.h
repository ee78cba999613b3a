// Nearest neighbors of unit vectors by cosine similarity, over rows that are written while searches run.
//
// Thread-safe: searches run concurrently with each other and with writes, and never wait for a writer. The caller serializes
// writes: there is one writer at a time.
//
// Rows are immutable. A key, which is the sequence of a write, is added once with its vector; a later sequence may delete it. An
// update is a deletion and an addition at one sequence. The whole index moves from one applied sequence to the next, which is
// multi-version concurrency control: a snapshot shows the state at one applied sequence S, which are the rows with key <= S that
// were not deleted at or before S.
//
// Vectors have `dimension` components in float32 and unit length. The score of two vectors is their inner product, which lies in
// [-1, 1] up to rounding.
#ifndef SEMBLANCE_INDEX_VECTOR_INDEX_H_
#define SEMBLANCE_INDEX_VECTOR_INDEX_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "index/key_set.h"

namespace semblance::index {

// A row that a search found.
struct ScoredKey {
  uint64_t key = 0;
  float score = 0;
};

// A row to add.
struct IndexAdd {
  uint64_t key = 0;
  // `dimension` floats. The index copies them.
  absl::Span<const float> vector;
};

// A row to delete. Searches at sequence `at` and later do not see it.
struct IndexDelete {
  uint64_t key = 0;
  uint64_t at = 0;
};

struct IndexSearchOptions {
  // How many rows to return, at least 1.
  int top_k = 10;
  // How many candidates a walk through a graph keeps. 0 means the number that reached the target recall when the segment was
  // sealed.
  int ef_search = 0;
  // How many inverted lists a search reads. 0 has the same meaning as for ef_search.
  int nprobe = 0;
  // Compares the query with every row.
  bool exact = false;
  // If not null, only rows with these keys are found. Must outlive the call.
  const KeySet* only = nullptr;
};

// The result of one search.
struct IndexSearchResult {
  // One list per query, by descending score, where equal scores are ordered by ascending key. A list is shorter than top_k only
  // when fewer rows can be found.
  std::vector<std::vector<ScoredKey>> neighbors;
  // The state of the index that the search saw.
  uint64_t applied_sequence = 0;
};

// Numbers that operators look at.
struct IndexStats {
  int64_t live_rows = 0;
  int64_t tombstone_rows = 0;
  int sealed_segments = 0;
  int64_t growing_rows = 0;
  // Bytes of memory that the rows take, without mapped files.
  int64_t memory_bytes = 0;
  // The kind of each sealed segment, and why it was chosen.
  std::vector<std::string> segments;
};

// The rows of an index at one applied sequence. Writes that follow do not change it.
//
// Thread-safe. The index must outlive it. Rows that it shows stay in memory until it is destroyed, so keep it for one request only.
class IndexSnapshot {
 public:
  virtual ~IndexSnapshot() = default;

  virtual uint64_t applied_sequence() const = 0;

  // Returns the nearest rows to each query. `queries` holds one or more rows of `dimension` floats. Errors: InvalidArgument (no
  // query; a size that is no multiple of the dimension; values that are not finite; top_k < 1).
  virtual absl::StatusOr<IndexSearchResult> Search(absl::Span<const float> queries, const IndexSearchOptions& options) const = 0;

  // Returns the vector of a row. Errors: NotFound (the snapshot shows no row with this key).
  virtual absl::StatusOr<std::vector<float>> Vector(uint64_t key) const = 0;
};

class VectorIndex {
 public:
  virtual ~VectorIndex() = default;

  virtual int dimension() const = 0;

  // Applies additions and deletions as one step: a search sees either none of them or all of them. The keys of `adds` must ascend
  // and be greater than the applied sequence before the step. Deletions of unknown keys are ignored. `sequence` becomes the applied
  // sequence. REQUIRES: one writer at a time.
  //
  // Errors: InvalidArgument (wrong dimension; values that are not finite; keys that do not ascend; a key or `at` that is not
  // greater than the applied sequence before the step, or is greater than `sequence`); I/O errors. After an error the index answers
  // from the state before the step, and the same step may be tried again.
  virtual absl::Status Apply(absl::Span<const IndexAdd> adds, absl::Span<const IndexDelete> deletes, uint64_t sequence) = 0;

  // Returns the last applied sequence. A snapshot that is taken afterwards shows this state or a later one.
  virtual uint64_t applied_sequence() const = 0;

  // Returns the newest state. It waits for no writer.
  virtual std::unique_ptr<const IndexSnapshot> Snapshot() const = 0;

  // Ask the newest state once.
  absl::StatusOr<IndexSearchResult> Search(absl::Span<const float> queries, const IndexSearchOptions& options) const {
    return Snapshot()->Search(queries, options);
  }
  absl::StatusOr<std::vector<float>> Vector(uint64_t key) const { return Snapshot()->Vector(key); }

  virtual IndexStats Stats() const = 0;
};

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_VECTOR_INDEX_H_
