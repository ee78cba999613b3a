// Reads the rows of an index from its directory when it opens.
//
// Thread-safe: a function without state. The directory must not change meanwhile.
#ifndef SEMBLANCE_INDEX_SEGMENTS_INDEX_RECOVERY_H_
#define SEMBLANCE_INDEX_SEGMENTS_INDEX_RECOVERY_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "index/files/index_directory.h"
#include "index/segments/sealed_segment.h"

namespace semblance::index {

struct RecoveredIndex {
  // Segments with at least one live row, by descending number of rows. Rows that are not alive are deleted at kNeverVisible.
  std::vector<std::shared_ptr<SealedSegment>> sealed;
  // The live rows of the logs, by ascending key. Vectors are row-major.
  std::vector<uint64_t> log_keys;
  std::vector<float> log_vectors;
  // The live keys that no file holds, ascending.
  std::vector<uint64_t> missing_keys;
};

// Reads the files that the manifest names. Damaged files are set aside and logged, and their rows are missing. When several files
// hold a key, the row in the newest file is used. REQUIRES: live_keys ascending. Errors: I/O errors.
absl::StatusOr<RecoveredIndex> RecoverIndex(const IndexDirectory& directory, absl::Span<const uint64_t> live_keys);

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_SEGMENTS_INDEX_RECOVERY_H_
