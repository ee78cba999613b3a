// What an index finds in its directory when it opens.
//
// Not thread-safe.
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
  // Segments with at least one live row, by descending number of rows. Rows that are not alive are kNeverVisible.
  std::vector<std::shared_ptr<SealedSegment>> sealed;
  // The live rows of the logs, by ascending key; vectors row-major.
  std::vector<uint64_t> log_keys;
  std::vector<float> log_vectors;
  // The live keys that are in no file, ascending.
  std::vector<uint64_t> missing_keys;
};

// Reads the files that the manifest names. Damaged ones are set aside and logged; what was in them is missing. A key that several
// files hold counts in the newest. REQUIRES: live_keys ascending. Errors: I/O errors.
absl::StatusOr<RecoveredIndex> RecoverIndex(const IndexDirectory& directory, absl::Span<const uint64_t> live_keys);

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_SEGMENTS_INDEX_RECOVERY_H_
