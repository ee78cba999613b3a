#include "index/segment_snapshot.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "index/validation.h"

namespace semblance::index {
namespace {

class SegmentSnapshot final : public IndexSnapshot {
 public:
  SegmentSnapshot(SegmentView view, int dimension) : view_(std::move(view)), dimension_(dimension) {}

  uint64_t applied_sequence() const override { return view_.sequence; }
  absl::StatusOr<IndexSearchResult> Search(absl::Span<const float> queries, const IndexSearchOptions& options) const override;
  absl::StatusOr<std::vector<float>> Vector(uint64_t key) const override;

 private:
  const SegmentView view_;
  const int dimension_;
};

absl::StatusOr<IndexSearchResult> SegmentSnapshot::Search(absl::Span<const float> queries,
                                                          const IndexSearchOptions& options) const {
  SEMBLANCE_RETURN_IF_ERROR(ValidateSearch(queries, options, dimension_));
  SegmentQuery query;
  query.sequence = view_.sequence;
  query.top_k = options.top_k;
  query.ef_search = options.ef_search;
  query.nprobe = options.nprobe;
  query.exact = options.exact;
  query.only = options.only;
  IndexSearchResult result;
  result.applied_sequence = view_.sequence;
  for (size_t begin = 0; begin < queries.size(); begin += static_cast<size_t>(dimension_)) {
    query.vector = &queries[begin];
    TopRows top(options.top_k);
    // The largest segments come first: the better the rows found so far, the fewer rows of a growing segment need full precision.
    for (const auto& segment : view_.list->sealed) {
      segment->Search(query, &top);
    }
    for (const auto& segment : view_.list->growing) {
      segment->Search(query, &top);
    }
    result.neighbors.push_back(top.Take());
  }
  return result;
}

absl::StatusOr<std::vector<float>> SegmentSnapshot::Vector(uint64_t key) const {
  SegmentQuery query;
  query.sequence = view_.sequence;
  std::vector<float> vector;
  view_.list->ForEach([&](const Segment* segment) {
    if (const int64_t row = segment->Find(key); row >= 0 && segment->Shows(row, query)) {
      vector.assign(segment->vector(row), segment->vector(row) + dimension_);
    }
  });
  if (vector.empty()) {
    return absl::NotFoundError(absl::StrCat("no row has the key ", key, " at the sequence ", view_.sequence));
  }
  return vector;
}

}  // namespace

std::unique_ptr<const IndexSnapshot> NewSegmentSnapshot(SegmentView view, int dimension) {
  return std::make_unique<SegmentSnapshot>(std::move(view), dimension);
}

}  // namespace semblance::index
