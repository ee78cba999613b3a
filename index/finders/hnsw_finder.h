// Finds candidates by a walk through an HNSW graph over 8-bit codes.
//
// Thread-safe: functions without state. The finders are thread-safe too; see candidate_finder.h.
#ifndef SEMBLANCE_INDEX_FINDERS_HNSW_FINDER_H_
#define SEMBLANCE_INDEX_FINDERS_HNSW_FINDER_H_

#include <memory>
#include <stop_token>

#include "absl/status/statusor.h"
#include "index/finders/candidate_finder.h"
#include "index/index_options.h"

namespace semblance::index {

// Builds the graph of `rows` vectors (row-major) and measures the ef_search that reaches the target recall. Uses
// options.spec.hnsw_m. Errors: Cancelled, soon after `stop` became true.
absl::StatusOr<std::unique_ptr<CandidateFinder>> BuildHnswFinder(const SegmentedIndexOptions& options, const float* vectors,
                                                                 int64_t rows, const std::stop_token& stop);

// Loads what Save wrote. Errors: DataLoss. Throws nlohmann::json::exception when the description lacks a number.
absl::StatusOr<std::unique_ptr<CandidateFinder>> LoadHnswFinder(const nlohmann::json& description, const SegmentSections& sections,
                                                                int dimension, int64_t rows);

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_FINDERS_HNSW_FINDER_H_
