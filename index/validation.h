// Checks the arguments that callers pass to an index.
//
// Thread-safe: functions without state. Errors: InvalidArgument with the value and the limit.
#ifndef SEMBLANCE_INDEX_VALIDATION_H_
#define SEMBLANCE_INDEX_VALIDATION_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "index/vector_index.h"

namespace semblance::index {

// Checks that the vectors have the dimension and only finite components.
absl::Status ValidateVectors(absl::Span<const IndexAdd> adds, int dimension);

// Checks keys and sequences of a step that follows the applied sequence `applied`; see VectorIndex::Apply.
absl::Status ValidateStep(absl::Span<const IndexAdd> adds, absl::Span<const IndexDelete> deletes, uint64_t applied,
                          uint64_t sequence);

// Checks the live keys that SegmentedIndex::Open is given.
absl::Status ValidateLiveKeys(absl::Span<const uint64_t> keys, uint64_t sequence);

// Checks the arguments of IndexSnapshot::Search.
absl::Status ValidateSearch(absl::Span<const float> queries, const IndexSearchOptions& options, int dimension);

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_VALIDATION_H_
