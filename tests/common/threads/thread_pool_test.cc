#include "common/threads/thread_pool.h"

#include <sched.h>

#include <atomic>
#include <future>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace semblance {
namespace {

using ::testing::ElementsAre;

// Keeps the threads of a pool busy until Open is called, so that a test decides what waits in the queue.
class Gate {
 public:
  explicit Gate(ThreadPool* pool) {
    for (int i = 0; i < pool->thread_count(); ++i) {
      std::promise<void> entered;
      std::future<void> is_entered = entered.get_future();
      pool->Schedule([opened = opened_, entered = std::make_shared<std::promise<void>>(std::move(entered))] {
        entered->set_value();
        opened.wait();
      });
      is_entered.wait();
    }
  }
  void Open() { open_.set_value(); }

 private:
  std::promise<void> open_;
  std::shared_future<void> opened_ = open_.get_future().share();
};

TEST(ThreadPoolTest, RunsEverythingThatItAcceptedBeforeItEnds) {
  std::atomic<int> done = 0;
  {
    ThreadPool pool("test", /*thread_count=*/3, /*max_queued=*/1000);
    for (int i = 0; i < 500; ++i) {
      ASSERT_TRUE(pool.TrySchedule([&done] { ++done; }));
    }
  }
  EXPECT_EQ(done, 500);
}

TEST(ThreadPoolTest, StartsTasksInOrder) {
  std::vector<int> order;
  {
    ThreadPool pool("test", /*thread_count=*/1, /*max_queued=*/10);
    for (int i = 0; i < 4; ++i) {
      pool.Schedule([&order, i] { order.push_back(i); });
    }
  }
  EXPECT_THAT(order, ElementsAre(0, 1, 2, 3));
}

TEST(ThreadPoolTest, RefusesWhatDoesNotFitTheQueueAndDoesNotRunIt) {
  std::atomic<int> accepted_ran = 0;
  std::atomic<bool> refused_ran = false;
  {
    ThreadPool pool("test", /*thread_count=*/2, /*max_queued=*/2);
    Gate gate(&pool);
    EXPECT_TRUE(pool.TrySchedule([&accepted_ran] { ++accepted_ran; }));
    EXPECT_TRUE(pool.TrySchedule([&accepted_ran] { ++accepted_ran; }));
    EXPECT_EQ(pool.queued(), 2u);
    EXPECT_FALSE(pool.TrySchedule([&refused_ran] { refused_ran = true; }));
    gate.Open();
  }
  EXPECT_EQ(accepted_ran, 2);
  EXPECT_FALSE(refused_ran);
}

TEST(ThreadPoolTest, TakesLaterStepsOfAdmittedWorkBeyondTheBound) {
  std::promise<void> ran;
  ThreadPool pool("test", /*thread_count=*/1, /*max_queued=*/1);
  Gate gate(&pool);
  ASSERT_TRUE(pool.TrySchedule([] {}));
  pool.Schedule([&ran] { ran.set_value(); });
  EXPECT_EQ(pool.queued(), 2u);
  gate.Open();
  ran.get_future().wait();
}

TEST(ThreadPoolTest, RunsAsManyTasksAtOnceAsItHasThreads) {
  ThreadPool pool("test", /*thread_count=*/3, /*max_queued=*/1);
  EXPECT_EQ(pool.thread_count(), 3);
  Gate gate(&pool);  // Returns only when three tasks run at the same time.
  EXPECT_EQ(pool.queued(), 0u);
  gate.Open();
}

TEST(ThreadPoolTest, CountsOnlyTheCoresThatTheProcessMayUse) {
  int cores = 0;
  std::thread pinned([&cores] {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    ASSERT_EQ(sched_getaffinity(0, sizeof(allowed), &allowed), 0);
    int first = 0;
    while (!CPU_ISSET(first, &allowed)) {
      ++first;
    }
    CPU_ZERO(&allowed);
    CPU_SET(first, &allowed);
    ASSERT_EQ(sched_setaffinity(0, sizeof(allowed), &allowed), 0);
    cores = CoreCount();
  });
  pinned.join();
  EXPECT_EQ(cores, 1);
  EXPECT_GE(CoreCount(), 1);
}

}  // namespace
}  // namespace semblance
