// Candidates by inverted lists: rows are grouped around k-means centroids, and a search looks at the rows of the nearest centroids,
// at full precision or through a product quantizer (Jegou, Douze and Schmid, "Product quantization for nearest neighbor search",
// 2011). FAISS trains the centroids and the quantizer.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_INDEX_FINDERS_IVF_FINDER_H_
#define SEMBLANCE_INDEX_FINDERS_IVF_FINDER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "index/finders/candidate_finder.h"
#include "index/index_options.h"
#include "index/rows/big_array.h"

namespace semblance::index {

// Trains on `vectors` (row-major), puts them into the order of the lists, and measures the nprobe that reaches the target recall.
// `order` gets the old row of each row. The finder keeps a pointer to the vectors. Uses options.spec. Errors: Cancelled, soon after
// `stop` became true; Internal.
absl::StatusOr<std::unique_ptr<CandidateFinder>> BuildIvfFinder(const SegmentedIndexOptions& options, BigArray<float>* vectors,
                                                                std::vector<uint32_t>* order, const std::atomic<bool>& stop);

// What Save wrote. The finder keeps `vectors`. Errors: DataLoss.
absl::StatusOr<std::unique_ptr<CandidateFinder>> LoadIvfFinder(const nlohmann::json& description, const SegmentSections& sections,
                                                               int dimension, int64_t rows, const float* vectors);

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_FINDERS_IVF_FINDER_H_
