// Finds the rows of a sealed segment that are probably near to a query. Each kind of index has its own way to do so.
//
// Thread-safe.
#ifndef SEMBLANCE_INDEX_FINDERS_CANDIDATE_FINDER_H_
#define SEMBLANCE_INDEX_FINDERS_CANDIDATE_FINDER_H_

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <stop_token>
#include <vector>

#include "absl/status/statusor.h"
#include "index/files/segment_file.h"
#include "index/index_options.h"
#include "index/rows/segment.h"

namespace semblance::index {

class CandidateFinder {
 public:
  virtual ~CandidateFinder() = default;

  // Estimates the cost of one Find, as the number of rows that a scan compares in the same time. `share` is the share of rows that
  // the query may see, 0 < share <= 1.
  virtual int64_t CostInRows(const SegmentQuery& query, double share) const = 0;

  // Appends the rows that the caller should compare at full precision: at least top_k, if there are that many. If `filter` is not
  // null, only rows that pass it are appended. Returns false if it gave up because a scan is faster.
  virtual bool Find(const SegmentQuery& query, double share, const RowFilter* filter, std::vector<uint32_t>* rows) const = 0;

  // Returns true if Extend can make a finder for `rows` rows with these options that is as good as a new one.
  virtual bool CanExtend(const SegmentedIndexOptions& /*options*/, int64_t /*rows*/) const { return false; }

  // Returns a finder for `rows` vectors (row-major), the first of which are the vectors of this finder. This costs about as much as
  // adding the others. Returns null when the added vectors are so different that a new finder would be better. REQUIRES: CanExtend.
  // Errors: Cancelled, soon after `stop` became true.
  virtual absl::StatusOr<std::unique_ptr<CandidateFinder>> Extend(const SegmentedIndexOptions& /*options*/,
                                                                  const float* /*vectors*/, int64_t /*rows*/,
                                                                  const std::stop_token& /*stop*/) const {
    return nullptr;
  }

  virtual int64_t memory_bytes() const = 0;

  // Adds to a segment file what Load needs: numbers for the description, and sections, which point into this object.
  virtual void Save(nlohmann::json* description, std::vector<FileSection>* sections) const = 0;
};

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_FINDERS_CANDIDATE_FINDER_H_
