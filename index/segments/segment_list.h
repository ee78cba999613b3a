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
  // By descending number of rows.
  std::vector<std::shared_ptr<SealedSegment>> sealed;
  // By age. The last one takes the writes, the others wait to be sealed.
  std::vector<std::shared_ptr<GrowingSegment>> growing;
  // Rows deleted at or before this sequence may have been dropped: the list answers for no earlier one.
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

// Not std::atomic<std::shared_ptr>: GCC's holds a lock too, one that ThreadSanitizer does not understand. The lock is held for the
// copy of a pointer; the old list is destroyed outside of it, by whoever lets go of it last.
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

// What one search sees: a sequence, and a list that holds every row which the sequence shows.
struct SegmentView {
  std::shared_ptr<const SegmentList> list;
  uint64_t sequence = 0;
};

// Takes the sequence first and the list second, so that the list is not older. It may be too new: a merge may have dropped rows
// that only the sequence before still shows; then both are taken again.
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
