// An immutable segment: rows, their vectors, and a finder of candidates among them. Only its deletions change.
//
// Thread-safety: see segment.h.
//
// Rows that a query may not see, because they are deleted or because it asks for certain keys only, stay in the segment; a search
// skips them. When skipping would take longer than comparing every row that the query may see, or when it finds too few rows, a
// search compares all of them.
#ifndef SEMBLANCE_INDEX_SEGMENTS_SEALED_SEGMENT_H_
#define SEMBLANCE_INDEX_SEGMENTS_SEALED_SEGMENT_H_

#include <cstdint>
#include <memory>
#include <stop_token>
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
  // Builds a segment from `rows`, which are at least one, by ascending key. The kind is options.spec; "auto" chooses it for an
  // index of index_rows rows. Errors: Cancelled, soon after a stop was requested; Internal.
  static absl::StatusOr<std::unique_ptr<SealedSegment>> Build(uint64_t file_number, const SegmentedIndexOptions& options,
                                                              absl::Span<const IndexAdd> rows, int64_t index_rows,
                                                              const std::stop_token& stop);

  // Builds a segment of all rows of this segment and of `added` (by ascending key). It costs about as much as adding the latter.
  // Deleted rows are included, and alive again; the caller must carry the deletions over. Returns null when a new segment would be
  // better. REQUIRES: CanExtend. Errors: the same as Build.
  absl::StatusOr<std::unique_ptr<SealedSegment>> Extend(uint64_t file_number, const SegmentedIndexOptions& options,
                                                        absl::Span<const IndexAdd> added, const std::stop_token& stop) const;
  // Returns true if Extend can add `added` rows whose keys are first_added or greater.
  bool CanExtend(const SegmentedIndexOptions& options, int64_t added, uint64_t first_added) const;

  // Writes the segment to a file, atomically and durably. Errors: I/O errors.
  absl::Status Write(const std::string& path) const;

  // Opens a file that Write wrote. Errors: NotFound; DataLoss; I/O errors.
  static absl::StatusOr<std::unique_ptr<SealedSegment>> Open(uint64_t file_number, int dimension, const std::string& path);

  void Search(const SegmentQuery& query, TopRows* top) const override;
  int64_t Find(uint64_t key) const override;
  int64_t memory_bytes() const override;

  // Returns the kind, its numbers, and why it was chosen.
  const std::string& description() const { return description_; }
  // Returns true if the vectors should stay in the file, but are in memory: a built segment has them there until its file is
  // opened.
  bool wants_mapping() const { return spec_.mapped && file_ == nullptr; }

 private:
  SealedSegment(uint64_t file_number, int dimension, int64_t rows, const IndexSpec& spec)
      : Segment(file_number, dimension, rows), spec_(spec) {}

  // Throws nlohmann::json::exception when the description lacks something.
  static absl::StatusOr<std::unique_ptr<SealedSegment>> Load(uint64_t file_number, int dimension, const nlohmann::json& description,
                                                             const SegmentSections& sections, std::unique_ptr<MappedFile> file);

  // Fills in what follows from the keys, and publishes the rows. REQUIRES: keys_ is complete.
  void FinishRows(int64_t count);
  int64_t RowByKey(int64_t rank) const { return by_key_.size() == 0 ? rank : by_key_[static_cast<size_t>(rank)]; }
  // Looks at all rows that the query may see. `keys` are the keys of query.only that this segment may hold.
  void SearchAll(const SegmentQuery& query, absl::Span<const uint64_t> keys, TopRows* top) const;

  const IndexSpec spec_;
  std::string description_;
  uint64_t first_key_ = 0;
  uint64_t last_key_ = 0;
  // The rows by ascending key. Empty when they are stored in that order.
  BigArray<uint32_t> by_key_;
  // One of these two owns the vectors.
  BigArray<float> storage_;
  std::unique_ptr<MappedFile> file_;
  // Null when every row is compared.
  std::unique_ptr<CandidateFinder> finder_;
};

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_SEGMENTS_SEALED_SEGMENT_H_
