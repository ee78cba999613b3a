// What differs from kind to kind of sealed segments: how the rows that are probably near to a query are found.
//
// Thread-safe.
#ifndef SEMBLANCE_INDEX_FINDERS_CANDIDATE_FINDER_H_
#define SEMBLANCE_INDEX_FINDERS_CANDIDATE_FINDER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "absl/status/statusor.h"
#include "index/files/segment_file.h"
#include "index/index_options.h"
#include "index/rows/segment.h"

namespace semblance::index {

class CandidateFinder {
 public:
  virtual ~CandidateFinder() = default;

  // About how many rows a scan looks at in the time of one Find, when the query may see `share` of the rows, 0 < share <= 1.
  virtual int64_t CostInRows(const SegmentQuery& query, double share) const = 0;

  // The rows to be compared at full precision, at least top_k where there are so many. Only rows that pass the filter (null: all
  // do). False: gave up, because a scan is faster.
  virtual bool Find(const SegmentQuery& query, double share, const RowFilter* filter, std::vector<uint32_t>* rows) const = 0;

  // Whether Extend is there for as many rows and these options, and the result as good as a new finder.
  virtual bool CanExtend(const SegmentedIndexOptions& /*options*/, int64_t /*rows*/) const { return false; }

  // A finder for `rows` vectors (row-major), the first of which are those of this finder, for about what the others cost. Null when
  // they turn out not to be like them: a new finder is better. REQUIRES: CanExtend. Errors: Cancelled, soon after `stop` became
  // true.
  virtual absl::StatusOr<std::unique_ptr<CandidateFinder>> Extend(const SegmentedIndexOptions& /*options*/,
                                                                  const float* /*vectors*/, int64_t /*rows*/,
                                                                  const std::atomic<bool>& /*stop*/) const {
    return nullptr;
  }

  virtual int64_t memory_bytes() const = 0;

  // What a segment file holds of it: numbers for its description, and sections that point into this object.
  virtual void Save(nlohmann::json* description, std::vector<FileSection>* sections) const = 0;
};

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_FINDERS_CANDIDATE_FINDER_H_
