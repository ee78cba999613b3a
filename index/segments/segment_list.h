// The segments of an index at one moment, and the place where searches find the newest list.
//
// SegmentList is immutable; CurrentSegments is thread-safe.
#ifndef SEMBLANCE_INDEX_SEGMENTS_SEGMENT_LIST_H_
#define SEMBLANCE_INDEX_SEGMENTS_SEGMENT_LIST_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "common/threads/mutex.h"
#include "index/segments/growing_segment.h"
#include "index/segments/sealed_segment.h"

namespace semblance::index {

struct SegmentList {
  // Sealed segments, by descending number of rows.
  std::vector<std::shared_ptr<SealedSegment>> sealed;
  // Growing segments, the oldest first. The last one takes the writes, the others wait until they are sealed.
  std::vector<std::shared_ptr<GrowingSegment>> growing;
  // Rows deleted at or before this sequence may have been dropped, so the list must not be searched at an earlier sequence.
  uint64_t oldest_sequence = 0;

  // Calls `visit` with every segment, the newest rows first.
  template <typename Visitor>
  void ForEach(const Visitor& visit) const {
    for (auto segment = growing.rbegin(); segment != growing.rend(); ++segment) {
      visit(static_cast<Segment*>(segment->get()));
    }
    for (auto segment = sealed.rbegin(); segment != sealed.rend(); ++segment) {
      visit(static_cast<Segment*>(segment->get()));
    }
  }
};

// The place of the newest list. Its lock is held only while a pointer is copied. The last holder of an old list destroys it,
// outside the lock. GCC's std::atomic<std::shared_ptr> has a lock too, but one that ThreadSanitizer does not understand.
class CurrentSegments {
 public:
  std::shared_ptr<const SegmentList> Load() const {
    MutexLock lock(&mutex_);
    return list_;
  }

  void Store(std::shared_ptr<const SegmentList> list) {
    MutexLock lock(&mutex_);
    list_.swap(list);
  }

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const SegmentList> list_ SEMBLANCE_GUARDED_BY(mutex_) = std::make_shared<SegmentList>();
};

// The state that one search sees: a sequence, and a list that holds every row that is visible at the sequence.
struct SegmentView {
  std::shared_ptr<const SegmentList> list;
  uint64_t sequence = 0;
};

// Loads the sequence first and the list second, so that the list is not older than the sequence. The list may be too new: a merge
// may have dropped rows that are visible at the loaded sequence. In that case both are loaded again.
inline SegmentView TakeView(const std::atomic<uint64_t>& applied, const CurrentSegments& segments) {
  while (true) {
    const uint64_t sequence = applied.load(std::memory_order_acquire);
    std::shared_ptr<const SegmentList> list = segments.Load();
    if (sequence >= list->oldest_sequence) {
      return {std::move(list), sequence};
    }
  }
}

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_SEGMENTS_SEGMENT_LIST_H_
