// The VectorIndex that serves: immutable sealed segments (graph, inverted lists or exact) and one growing segment (exact), kept in
// a directory. docs/storage_format.md has the files.
//
// Thread-safety, errors: see vector_index.h.
//
// Writes go to the growing segment and to its vector log, so that a restart finds them without embedding again. A full growing
// segment is sealed by a background thread: neighbouring segments of similar size are merged with it, rows that no running search
// can see any more are dropped, and the file is written aside, synced and renamed before the manifest names it. Searches go on
// meanwhile.
//
// What the directory holds after a crash: every row that Apply added before the process ended (after a power cut, possibly not the
// last ones of the log); which of them are alive is for the caller to say at Open, from the catalog. A file that fails its
// checksum is set aside (*.corrupt), logged, and its rows are missing: the caller adds them again. Writes are not synced one by
// one: the catalog is the durable truth.
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
  // Opens or creates the index in `directory`. `live_keys` (ascending) are the rows that are alive at `sequence`: rows on disk that
  // are not among them are deleted, rows above `sequence` are dropped. Afterwards applied_sequence() == sequence.
  // Errors: InvalidArgument (options, live_keys, or a directory written with another dimension); FailedPrecondition (the directory
  // is open elsewhere, or written by a newer version); I/O errors.
  static absl::StatusOr<std::unique_ptr<SegmentedIndex>> Open(const std::string& directory, const SegmentedIndexOptions& options,
                                                              absl::Span<const uint64_t> live_keys, uint64_t sequence);

  // The keys of the last Open's live_keys that were not found on disk, ascending: their vectors must be added again by AddMissing.
  virtual const std::vector<uint64_t>& missing_keys() const = 0;

  // Adds rows among missing_keys(), all or, on error, none. REQUIRES: called by the writer before the first Apply; each key is
  // added once. Errors: InvalidArgument (a key that is not missing; a vector as in Apply); I/O errors.
  virtual absl::Status AddMissing(absl::Span<const IndexAdd> adds) = 0;

  // Seals what is growing, whatever its size. Returns when no sealing or merging runs or is due. For tests and benchmarks.
  // REQUIRES: called by the writer. Errors: I/O errors.
  absl::Status Seal() {
    return SealWhile([] { return true; });
  }

  // The same for builders: `keep_going` is called several times a second meanwhile, on this thread. Once it returns false,
  // Cancelled is returned at once; the work goes on until the index is destroyed, which ends it soon. No row is lost.
  virtual absl::Status SealWhile(absl::FunctionRef<bool()> keep_going) = 0;

  // Waits until no sealing or merging runs or is due. For tests and benchmarks.
  virtual void WaitForBackgroundWork() = 0;
};

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_SEGMENTED_INDEX_H_
