// An immutable segment: rows, their vectors, and what finds candidates among them. Only its deletions change.
//
// Thread-safety: see segment.h.
//
// Rows that a query may not see (deleted ones, or outside of its keys) stay where they are, and searches pass them by. Where that
// would cost more than to look at every row that it may see, or finds too few, a search looks at every such row.
#ifndef SEMBLANCE_INDEX_SEGMENTS_SEALED_SEGMENT_H_
#define SEMBLANCE_INDEX_SEGMENTS_SEALED_SEGMENT_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/file.h"
#include "index/finders/candidate_finder.h"
#include "index/index_options.h"
#include "index/index_spec.h"
#include "index/rows/segment.h"

namespace semblance::index {

class SealedSegment final : public Segment {
 public:
  // Builds from `rows` (by ascending key, at least one) a segment of an index that has index_rows rows, with options.spec. Errors:
  // Cancelled, soon after `stop` became true; Internal.
  static absl::StatusOr<std::unique_ptr<SealedSegment>> Build(uint64_t file_number, const SegmentedIndexOptions& options,
                                                              absl::Span<const IndexAdd> rows, int64_t index_rows,
                                                              const std::atomic<bool>& stop);

  // Builds a segment of the rows of this one, deleted ones too (alive again: the deletions are for the caller to carry over), and
  // `added` ones (by ascending key) for about what the added ones cost. Null when a new segment would be better. REQUIRES:
  // CanExtend. Errors: as Build.
  absl::StatusOr<std::unique_ptr<SealedSegment>> Extend(uint64_t file_number, const SegmentedIndexOptions& options,
                                                        absl::Span<const IndexAdd> added, const std::atomic<bool>& stop) const;
  // Whether Extend is there for so many rows, all of whose keys are first_added or more.
  bool CanExtend(const SegmentedIndexOptions& options, int64_t added, uint64_t first_added) const;

  // Writes the segment to a file, atomically and durably. Errors: I/O errors.
  absl::Status Write(const std::string& path) const;

  // Reads what Write wrote. Errors: NotFound; DataLoss; I/O errors.
  static absl::StatusOr<std::unique_ptr<SealedSegment>> Open(uint64_t file_number, int dimension, const std::string& path);

  void Search(const SegmentQuery& query, TopRows* top) const override;
  int64_t Find(uint64_t key) const override;
  int64_t memory_bytes() const override;

  // The kind, its numbers, and why it was chosen.
  const std::string& description() const { return description_; }
  // Whether the vectors are to stay in the file: a segment that was built has them in memory until it is opened from its file.
  bool wants_mapping() const { return spec_.mapped && file_ == nullptr; }

 private:
  SealedSegment(uint64_t file_number, int dimension, int64_t rows, const IndexSpec& spec)
      : Segment(file_number, dimension, rows), spec_(spec) {}

  // Throws nlohmann::json::exception for a description that lacks something.
  static absl::StatusOr<std::unique_ptr<SealedSegment>> Load(uint64_t file_number, int dimension, const nlohmann::json& description,
                                                             const SegmentSections& sections, std::unique_ptr<MappedFile> file);

  // Once keys_ is filled.
  void FinishRows(int64_t count);
  int64_t RowByKey(int64_t rank) const { return by_key_.size() == 0 ? rank : by_key_[static_cast<size_t>(rank)]; }
  // Looks at all rows that the query may see; `keys` are those of query.only in this segment.
  void SearchAll(const SegmentQuery& query, absl::Span<const uint64_t> keys, TopRows* top) const;

  const IndexSpec spec_;
  std::string description_;
  uint64_t first_key_ = 0;
  uint64_t last_key_ = 0;
  // The rows by ascending key; empty: the rows are in that order.
  BigArray<uint32_t> by_key_;
  // The vectors: one of the two.
  BigArray<float> storage_;
  std::unique_ptr<MappedFile> file_;
  // Null: every row is compared.
  std::unique_ptr<CandidateFinder> finder_;
};

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_SEGMENTS_SEALED_SEGMENT_H_
