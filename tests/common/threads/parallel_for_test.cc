#include "common/threads/parallel_for.h"

#include <atomic>
#include <barrier>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/testing/status_matchers.h"

namespace semblance {
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

TEST(ParallelForTest, BeginsNothingAfterAFailure) {
  int calls = 0;
  const absl::Status status = ParallelFor(1, 1000, [&calls](int64_t) {
    ++calls;
    return absl::InternalError("first");
  });
  EXPECT_THAT(status, StatusMessage(::testing::Eq("first")));
  EXPECT_EQ(calls, 1);
}

TEST(ParallelForTest, OneThreadIsTheCallers) {
  EXPECT_OK(ParallelFor(1, 10, [caller = std::this_thread::get_id()](int64_t) {
    return std::this_thread::get_id() == caller ? absl::OkStatus() : absl::InternalError("another thread");
  }));
}

TEST(RunOnThreadsTest, RunsEachNumberOnAThreadOfItsOwnAtTheSameTime) {
  constexpr int kThreads = 4;
  std::barrier all_run(kThreads);
  std::mutex mutex;
  std::set<int> numbers;
  std::set<std::thread::id> threads;
  RunOnThreads(kThreads, [&](int number) {
    all_run.arrive_and_wait();
    const std::lock_guard lock(mutex);
    numbers.insert(number);
    threads.insert(std::this_thread::get_id());
  });
  EXPECT_EQ(numbers, (std::set<int>{0, 1, 2, 3}));
  EXPECT_EQ(threads.size(), 4u);
  EXPECT_TRUE(threads.contains(std::this_thread::get_id()));
}

}  // namespace
}  // namespace semblance
