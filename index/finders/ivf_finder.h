// Finds candidates by inverted lists. Rows are grouped around k-means centroids, and a search looks at the rows of the nearest
// centroids, at full precision or through a product quantizer (Jegou, Douze and Schmid, "Product quantization for nearest neighbor
// search", 2011). FAISS trains the centroids and the quantizer.
//
// Thread-safe: functions without state. The finders are thread-safe too; see candidate_finder.h.
#ifndef SEMBLANCE_INDEX_FINDERS_IVF_FINDER_H_
#define SEMBLANCE_INDEX_FINDERS_IVF_FINDER_H_

#include <cstdint>
#include <memory>
#include <stop_token>
#include <vector>

#include "absl/status/statusor.h"
#include "index/finders/candidate_finder.h"
#include "index/index_options.h"
#include "index/rows/big_array.h"

namespace semblance::index {

// Trains centroids on `vectors` (row-major), sorts the vectors by list, and measures the nprobe that reaches the target recall.
// Uses options.spec. Afterwards row i holds the vector that was in row (*order)[i]. The vectors must outlive the finder. Errors:
// Cancelled, soon after `stop` became true; Internal.
absl::StatusOr<std::unique_ptr<CandidateFinder>> BuildIvfFinder(const SegmentedIndexOptions& options, BigArray<float>* vectors,
                                                                std::vector<uint32_t>* order, const std::stop_token& stop);

// Loads what Save wrote. `vectors` must outlive the finder. Errors: DataLoss. Throws nlohmann::json::exception when the description
// lacks a number.
absl::StatusOr<std::unique_ptr<CandidateFinder>> LoadIvfFinder(const nlohmann::json& description, const SegmentSections& sections,
                                                               int dimension, int64_t rows, const float* vectors);

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_FINDERS_IVF_FINDER_H_
