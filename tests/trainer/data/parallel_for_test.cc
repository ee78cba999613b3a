#include "trainer/data/parallel_for.h"

#include <atomic>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/testing/status_matchers.h"

namespace semblance::trainer {
namespace {

using testing::StatusMessage;

TEST(ParallelForTest, RunsEveryIndexOnce) {
  std::vector<std::atomic<int>> runs(1000);

  ASSERT_OK(ParallelFor(4, 1000, [&runs](int64_t i) {
    ++runs[static_cast<size_t>(i)];
    return absl::OkStatus();
  }));

  for (const std::atomic<int>& count : runs) {
    EXPECT_EQ(count, 1);
  }
}

TEST(ParallelForTest, ReturnsTheErrorOfTheSmallestIndexWhateverTheThreads) {
  for (int threads = 1; threads <= 8; ++threads) {
    const absl::Status status = ParallelFor(
        threads, 1000, [](int64_t i) { return i % 100 == 37 ? absl::DataLossError(absl::StrCat("image ", i)) : absl::OkStatus(); });
    EXPECT_THAT(status, StatusMessage(::testing::Eq("image 37")));
  }
}

TEST(ParallelForTest, DoesNothingForNothing) {
  EXPECT_OK(ParallelFor(2, 0, [](int64_t) { return absl::InternalError("called"); }));
}

}  // namespace
}  // namespace semblance::trainer
