#include "index/segments/segment_list.h"

#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace semblance::index {
namespace {

using ::testing::ElementsAre;

TEST(SegmentList, VisitsTheNewestRowsFirst) {
  SegmentedIndexOptions options;
  options.dimension = 1;
  const std::vector<float> vector = {1};
  SegmentList list;
  for (const uint64_t file : {1, 2}) {
    auto segment = SealedSegment::Build(file, options, {{file, vector}}, 1, /*stop=*/{});
    ASSERT_OK(segment);
    list.sealed.push_back(*std::move(segment));
  }
  for (const uint64_t file : {3, 4}) {
    list.growing.push_back(std::make_shared<GrowingSegment>(file, 1, 10));
  }
  std::vector<uint64_t> files;
  list.ForEach([&files](const Segment* segment) { files.push_back(segment->file_number()); });
  EXPECT_THAT(files, ElementsAre(4, 3, 2, 1));
}

TEST(TakeView, NeverReturnsASequenceThatItsListDoesNotAnswer) {
  std::atomic<uint64_t> applied{0};
  CurrentSegments segments;
  std::thread writer([&] {
    for (uint64_t sequence = 1; sequence <= 20'000; ++sequence) {
      applied.store(sequence, std::memory_order_release);
      auto list = std::make_shared<SegmentList>();
      list->oldest_sequence = sequence;  // A merge dropped everything that only earlier sequences show.
      segments.Store(std::move(list));
    }
  });
  uint64_t last = 0;
  while (last < 20'000) {
    const SegmentView view = TakeView(applied, segments);
    EXPECT_GE(view.sequence, view.list->oldest_sequence);
    EXPECT_GE(view.sequence, last);
    last = view.sequence;
  }
  writer.join();
}

}  // namespace
}  // namespace semblance::index
