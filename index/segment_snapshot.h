// A snapshot of an index that consists of segments.
//
// Thread-safe: a function without state.
#ifndef SEMBLANCE_INDEX_SEGMENT_SNAPSHOT_H_
#define SEMBLANCE_INDEX_SEGMENT_SNAPSHOT_H_

#include <memory>

#include "index/segments/segment_list.h"
#include "index/vector_index.h"

namespace semblance::index {

// Returns the state that `view` shows. REQUIRES: its segments have the dimension.
std::unique_ptr<const IndexSnapshot> NewSegmentSnapshot(SegmentView view, int dimension);

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_SEGMENT_SNAPSHOT_H_
