// A merge: several segments of an index become one sealed segment without the rows that nobody can see any more.
//
// Not thread-safe. In this order: Plan, under the lock of the index; Build, without it, while searches and writes go on; Publish,
// under the lock again.
#ifndef SEMBLANCE_INDEX_SEGMENTS_SEGMENT_MERGE_H_
#define SEMBLANCE_INDEX_SEGMENTS_SEGMENT_MERGE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "index/index_options.h"
#include "index/segments/segment_list.h"

namespace semblance::index {

class SegmentMerge {
 public:
  // Chooses what to merge as of `sequence`, the applied one: the growing segments that are full; sealed ones of which more than
  // half is deleted; and sealed ones, from the smallest, while they are no larger than what was chosen so far. So a row is written
  // O(log n) times, and there are O(log n) segments. A larger segment to which the others can be added at their own cost is chosen
  // too, up to kMaxExtended times as large: then a row is written more often, but searches have one segment less to look at.
  SegmentMerge(const SegmentList& list, const SegmentedIndexOptions& options, uint64_t sequence);

  bool empty() const { return sealed_.empty() && growing_.empty(); }

  // Builds output(). Errors: as of SealedSegment::Build.
  absl::Status Build(uint64_t file_number, const std::atomic<bool>& stop);

  // Writes the output to a file; vectors that are to stay in the file are left there. Does nothing when no row is left. Errors: as
  // of SealedSegment::Write and Open.
  absl::Status Write(const std::string& path);

  // Null when no row is left.
  const SealedSegment* output() const { return output_.get(); }

  // `list` with the output in place of the inputs. Deletions that came during Build are carried over to it.
  std::shared_ptr<const SegmentList> Publish(const SegmentList& list) const;

 private:
  struct Source {
    const Segment* segment;
    int64_t row;
  };

  void ChooseSealed(const SegmentList& list, int64_t chosen_rows);
  // Appends the rows of the wanted inputs to sources_, by ascending key.
  void CollectInputs(absl::FunctionRef<bool(const Segment&)> wanted);
  // The rows from sources_[first] on.
  std::vector<IndexAdd> RowsFrom(size_t first) const;
  // Leaves output_ null where that is not good.
  absl::Status TryToExtend(uint64_t file_number, const std::atomic<bool>& stop);

  static constexpr int64_t kMaxExtended = 16;

  const SegmentedIndexOptions options_;
  const uint64_t sequence_;
  std::vector<std::shared_ptr<SealedSegment>> sealed_;
  std::vector<std::shared_ptr<GrowingSegment>> growing_;
  // The one of sealed_ to which the others are to be added; null: none.
  const SealedSegment* base_ = nullptr;
  // The rows of the output.
  std::vector<Source> sources_;
  std::shared_ptr<SealedSegment> output_;
  // Live rows of the index.
  int64_t index_rows_ = 0;
};

// Whether more than half of the rows are deleted.
bool MostlyDeleted(const Segment& segment);

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_SEGMENTS_SEGMENT_MERGE_H_
