// The VectorIndex that serves searches. It consists of immutable sealed segments (graph, inverted lists or exact) and of one
// growing segment (exact), and is kept in a directory. docs/storage_format.md describes the files.
//
// Thread-safety, errors: see vector_index.h.
//
// Writes go to the growing segment and to its vector log, so that a restart finds them and nothing is embedded again. A background
// thread seals a full growing segment: it merges segments of similar size with it, drops rows that no running search can see any
// more, and writes a new file, which is synced and renamed before the manifest names it. Searches continue meanwhile.
//
// After a crash of the process the directory holds every row that Apply added; after a power cut the last rows of the log may be
// lost. Writes are not synced one by one, because the catalog is the durable truth: the caller of Open says which rows are alive. A
// file that fails its checksum is set aside (*.corrupt) and logged. Its rows are missing, and the caller adds them again.
#ifndef SEMBLANCE_INDEX_SEGMENTED_INDEX_H_
#define SEMBLANCE_INDEX_SEGMENTED_INDEX_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "index/index_options.h"
#include "index/vector_index.h"

namespace semblance::index {

class SegmentedIndex : public VectorIndex {
 public:
  // Opens or creates the index in `directory`. `live_keys` (ascending) are the rows that are alive at `sequence`; all other rows on
  // disk are dropped. Afterwards applied_sequence() == sequence.
  // Errors: InvalidArgument (options, live_keys, or a directory written with another dimension); FailedPrecondition (the directory
  // is open elsewhere, or written by a newer version); I/O errors.
  static absl::StatusOr<std::unique_ptr<SegmentedIndex>> Open(const std::string& directory, const SegmentedIndexOptions& options,
                                                              absl::Span<const uint64_t> live_keys, uint64_t sequence);

  // Returns the live keys that Open did not find on disk, ascending. Their vectors must be added again by AddMissing.
  virtual const std::vector<uint64_t>& missing_keys() const = 0;

  // Adds rows of missing_keys(): all of them or, on error, none. REQUIRES: called by the writer before the first Apply; each key is
  // added once. Errors: InvalidArgument (a key that is not missing; a vector as in Apply); I/O errors.
  virtual absl::Status AddMissing(absl::Span<const IndexAdd> adds) = 0;

  // Seals the growing segment, whatever its size. Returns when no sealing or merging runs or is due. For tests and benchmarks.
  // REQUIRES: called by the writer. Errors: I/O errors.
  absl::Status Seal() {
    return SealWhile([] { return true; });
  }

  // Does the same for builders. Meanwhile it calls `keep_going` several times a second on this thread. When that returns false, it
  // returns Cancelled at once. The work then continues until the index is destroyed, which ends it soon. No row is lost.
  virtual absl::Status SealWhile(absl::FunctionRef<bool()> keep_going) = 0;

  // Waits until no sealing or merging runs or is due. For tests and benchmarks.
  virtual void WaitForBackgroundWork() = 0;
};

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_SEGMENTED_INDEX_H_
