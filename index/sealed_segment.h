// An immutable segment over FAISS: an HNSW graph or a plain matrix, rows by ascending key. Only its deletions change.
//
// Thread-safety: see segment.h.
//
// Deleted rows stay in the graph, and searches pass through them. Where that would cost more than to look at every row (a small
// segment, many candidates, few rows alive), or finds too few, a search looks at every row.
#ifndef SEMBLANCE_INDEX_SEALED_SEGMENT_H_
#define SEMBLANCE_INDEX_SEALED_SEGMENT_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "index/graph_search.h"
#include "index/segment.h"
#include "index/segmented_index.h"

namespace semblance {

class SealedSegment final : public Segment {
 public:
  ~SealedSegment() override;

  // Builds from `rows` (by ascending key, at least one) with the kind and parameters of `options`. Errors: Cancelled, soon after
  // `stop` became true; Internal.
  static absl::StatusOr<std::unique_ptr<SealedSegment>> Build(uint64_t file_number, const SegmentedIndexOptions& options,
                                                              absl::Span<const IndexAdd> rows, const std::atomic<bool>& stop);

  // The content of a segment file (see segment_file.h), and back. Errors of Parse: DataLoss.
  absl::StatusOr<std::string> Serialize() const;
  static absl::StatusOr<std::unique_ptr<SealedSegment>> Parse(uint64_t file_number, int dimension, absl::string_view file);

  void Search(const SegmentQuery& query, TopRows* top) const override;
  int64_t Find(uint64_t key) const override;

 private:
  struct Rep;

  SealedSegment(uint64_t file_number, int dimension, absl::Span<const uint64_t> keys, std::unique_ptr<Rep> rep);

  // By the graph: up to `ef` rows.
  std::vector<ScoredRow> SearchVisible(const SegmentQuery& query, int ef) const;

  const std::unique_ptr<Rep> rep_;
};

}  // namespace semblance

#endif  // SEMBLANCE_INDEX_SEALED_SEGMENT_H_
