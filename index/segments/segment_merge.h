// A merge makes one sealed segment from several segments, without the rows that no search can see any more.
//
// Not thread-safe. Call in this order: the constructor, under the lock of the index; Build and Write without the lock, while
// searches and writes continue; Publish, under the lock again.
#ifndef SEMBLANCE_INDEX_SEGMENTS_SEGMENT_MERGE_H_
#define SEMBLANCE_INDEX_SEGMENTS_SEGMENT_MERGE_H_

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "index/index_options.h"
#include "index/segments/segment_list.h"

namespace semblance::index {

class SegmentMerge {
 public:
  // Chooses the segments to merge. `sequence` is the applied sequence. It chooses the growing segments that are full, the sealed
  // segments of which more than half is deleted, and sealed segments from the smallest up, while they are no larger than all chosen
  // before. So a row is written O(log n) times, and there are O(log n) segments. It also chooses a larger segment, up to
  // kMaxExtended times as large, if the others can be added to it at their own cost. Then a row is written more often, but searches
  // have one segment less to look at.
  SegmentMerge(const SegmentList& list, const SegmentedIndexOptions& options, uint64_t sequence);

  bool empty() const { return sealed_.empty() && growing_.empty(); }

  // Builds output(). Errors: the same as SealedSegment::Build.
  absl::Status Build(uint64_t file_number, const std::stop_token& stop);

  // Writes the output to a file. Vectors that should stay in the file are then released from memory. Does nothing when no row is
  // left. Errors: the same as SealedSegment::Write and Open.
  absl::Status Write(const std::string& path);

  // Returns the merged segment; null when no row is left.
  const SealedSegment* output() const { return output_.get(); }

  // Returns `list` with the output in place of the inputs. Deletions that happened since Build are carried over to the output.
  std::shared_ptr<const SegmentList> Publish(const SegmentList& list) const;

 private:
  struct Source {
    const Segment* segment;
    int64_t row;
  };

  void ChooseSealed(const SegmentList& list, int64_t chosen_rows);
  // Appends the rows of the wanted inputs to sources_, by ascending key.
  void CollectInputs(absl::FunctionRef<bool(const Segment&)> wanted);
  // Returns the rows of sources_[first] and later.
  std::vector<IndexAdd> RowsFrom(size_t first) const;
  // Extends base_. Leaves output_ null when a new segment would be better.
  absl::Status TryToExtend(uint64_t file_number, const std::stop_token& stop);

  static constexpr int64_t kMaxExtended = 16;

  const SegmentedIndexOptions options_;
  const uint64_t sequence_;
  std::vector<std::shared_ptr<SealedSegment>> sealed_;
  std::vector<std::shared_ptr<GrowingSegment>> growing_;
  // The segment of sealed_ to which the others are added; null when there is none.
  const SealedSegment* base_ = nullptr;
  // The rows of the output.
  std::vector<Source> sources_;
  std::shared_ptr<SealedSegment> output_;
  // Live rows of the index.
  int64_t index_rows_ = 0;
};

// Returns true if more than half of the rows are deleted.
bool MostlyDeleted(const Segment& segment);

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_SEGMENTS_SEGMENT_MERGE_H_
