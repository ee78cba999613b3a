#include "service/tasks/durable_queue.h"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "tests/testing/status_matchers.h"

namespace semblance::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using service::DurableQueue;

// A queue whose tasks wait until a test lets them end, or they are stopped.
class DurableQueueTest : public ::testing::Test {
 protected:
  void Open(int worker_count) {
    queue_ =
        std::make_unique<DurableQueue>(DurableQueue::Options{.name = "test", .worker_count = worker_count, .on_worker_start = {}},
                                       [this](DurableQueue::Task& task) { Run(task); });
  }

  void Run(DurableQueue::Task& task) {
    MutexLock lock(&mutex_);
    begun_.push_back(task.id());
    changed_.NotifyAll();
    changed_.Wait(mutex_, task.stop().token(), [&] { return released_.count(task.id()) > 0; });
    if (at_end_) {
      at_end_(task);
    }
    ended_[task.id()] = task.stop().Check();
    changed_.NotifyAll();
  }

  void Release(const std::string& id) {
    MutexLock lock(&mutex_);
    released_.insert(id);
    changed_.NotifyAll();
  }

  void AwaitBegun(size_t count) {
    MutexLock lock(&mutex_);
    changed_.Wait(mutex_, {}, [&] { return begun_.size() >= count; });
  }

  absl::Status AwaitEnded(const std::string& id) {
    MutexLock lock(&mutex_);
    changed_.Wait(mutex_, {}, [&] { return ended_.count(id) > 0; });
    return ended_[id];
  }

  std::vector<std::string> begun() {
    MutexLock lock(&mutex_);
    return begun_;
  }

  Mutex mutex_;
  Condition changed_;
  std::vector<std::string> begun_;
  std::set<std::string> released_;
  std::map<std::string, absl::Status> ended_;
  // A task calls this before it ends. It must be set before Start.
  std::function<void(DurableQueue::Task&)> at_end_;
  std::unique_ptr<DurableQueue> queue_;
};

TEST_F(DurableQueueTest, RunsTasksOneAfterAnotherInTheOrderInWhichTheyWereAdded) {
  Open(1);
  queue_->Add("a");
  queue_->Add("b");
  queue_->Add("urgent", DurableQueue::Place::kFirst);
  EXPECT_EQ(queue_->waiting_count(), 3u);
  queue_->Start();
  for (const char* const id : {"urgent", "a", "b"}) {
    Release(id);
    EXPECT_OK(AwaitEnded(id));
  }
  EXPECT_THAT(begun(), ElementsAre("urgent", "a", "b"));
  EXPECT_EQ(queue_->waiting_count(), 0u);
}

TEST_F(DurableQueueTest, RunsAsManyAtOnceAsItHasWorkers) {
  Open(2);
  queue_->Start();
  queue_->Add("a");
  queue_->Add("b");
  queue_->Add("c");
  AwaitBegun(2);
  EXPECT_EQ(queue_->waiting_count(), 1u);
  Release("a");
  AwaitBegun(3);
}

TEST_F(DurableQueueTest, PreparesEachWorker) {
  std::atomic<int> prepared = 0;
  DurableQueue queue({.name = "test", .worker_count = 3, .on_worker_start = [&] { ++prepared; }}, [](DurableQueue::Task&) {});
  queue.Start();
  queue.Shutdown();
  EXPECT_EQ(prepared, 3);
}

TEST_F(DurableQueueTest, CancelStopsARunningTaskAndOneThatHasNotBegun) {
  Open(1);
  queue_->Start();
  queue_->Add("running");
  queue_->Add("waiting");
  AwaitBegun(1);
  EXPECT_TRUE(queue_->Cancel("waiting"));
  EXPECT_TRUE(queue_->Cancel("running"));
  EXPECT_EQ(AwaitEnded("running").message(), "cancelled");
  EXPECT_EQ(AwaitEnded("waiting").message(), "cancelled");
  EXPECT_FALSE(queue_->Cancel("unknown"));
}

TEST_F(DurableQueueTest, WithdrawTakesOutOnlyWhatHasNotBegun) {
  Open(1);
  queue_->Start();
  queue_->Add("running");
  queue_->Add("waiting");
  AwaitBegun(1);
  EXPECT_TRUE(queue_->Withdraw("waiting"));
  EXPECT_FALSE(queue_->Withdraw("waiting"));
  EXPECT_FALSE(queue_->Cancel("waiting"));
  EXPECT_FALSE(queue_->Withdraw("running"));
  Release("running");
  EXPECT_OK(AwaitEnded("running"));
  queue_->Shutdown();
  EXPECT_THAT(begun(), ElementsAre("running"));
}

TEST_F(DurableQueueTest, ATaskThatClosedItselfCannotBeCancelledAndMayBeAddedAgain) {
  Open(1);
  at_end_ = [this](DurableQueue::Task& task) {
    if (ended_.empty()) {
      EXPECT_OK(task.CloseUnlessCancelled());
      EXPECT_FALSE(queue_->Cancel("a"));
      EXPECT_EQ(queue_->AnyOpen(), std::nullopt);
      queue_->Add("a");
    }
    task.Close();
  };
  queue_->Start();
  queue_->Add("a");
  Release("a");
  AwaitBegun(2);
  queue_->Shutdown();
  EXPECT_THAT(begun(), ElementsAre("a", "a"));
}

TEST_F(DurableQueueTest, TheEndOfARunDoesNotCloseTheNextRunOfTheSameTask) {
  Open(1);
  at_end_ = [this](DurableQueue::Task& task) {
    if (ended_.empty()) {
      task.Close();
      queue_->Add("a");
      // Closing again must not close the task that was just added.
      task.Close();
      EXPECT_EQ(queue_->AnyOpen(), "a");
    }
  };
  queue_->Start();
  queue_->Add("a");
  Release("a");
  AwaitBegun(2);
}

TEST_F(DurableQueueTest, ACancellationThatWasAcceptedKeepsATaskFromClosing) {
  Open(1);
  absl::Status closed;
  at_end_ = [&](DurableQueue::Task& task) { closed = task.CloseUnlessCancelled(); };
  queue_->Start();
  queue_->Add("a");
  AwaitBegun(1);
  EXPECT_TRUE(queue_->Cancel("a"));
  EXPECT_EQ(AwaitEnded("a").message(), "cancelled");
  EXPECT_EQ(closed.message(), "cancelled");
}

TEST_F(DurableQueueTest, AShutdownStopsWhatRunsAndBeginsNothingMore) {
  Open(1);
  queue_->Start();
  queue_->Add("running");
  queue_->Add("waiting");
  AwaitBegun(1);
  queue_->Shutdown();
  EXPECT_THAT(begun(), ElementsAre("running"));
  EXPECT_EQ(AwaitEnded("running").message(), "the server is shutting down");
  queue_->Shutdown();
}

TEST_F(DurableQueueTest, ATaskThatFailedByItselfDuringTheShutdownIsNotCancelled) {
  Open(1);
  absl::Status closed = absl::UnknownError("not called");
  at_end_ = [&](DurableQueue::Task& task) { closed = task.CloseUnlessCancelled(); };
  queue_->Start();
  queue_->Add("a");
  AwaitBegun(1);
  queue_->Shutdown();
  EXPECT_OK(closed);
}

TEST_F(DurableQueueTest, AWorkerThatHasNothingToDoEndsAtOnce) {
  Open(4);
  queue_->Start();
  queue_->Shutdown();
  EXPECT_THAT(begun(), IsEmpty());
}

TEST_F(DurableQueueTest, SaysWhetherItHasStartedAndStillRuns) {
  Open(1);
  EXPECT_THAT(queue_->CheckStarted(), HasReason("NO_ACTIVE_GENERATION"));
  EXPECT_THAT(queue_->CheckRunning(), HasReason("NO_ACTIVE_GENERATION"));
  queue_->Start();
  EXPECT_OK(queue_->CheckStarted());
  EXPECT_OK(queue_->CheckRunning());
  queue_->Shutdown();
  EXPECT_OK(queue_->CheckStarted());
  EXPECT_THAT(queue_->CheckRunning(), HasReason("DRAINING"));
  EXPECT_TRUE(RetryDelay(queue_->CheckRunning()).has_value());
}

}  // namespace
}  // namespace semblance::testing
