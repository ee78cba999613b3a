#include "common/threads/worker.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include "common/threads/condition.h"
#include "common/threads/mutex.h"
#include "common/threads/stop.h"

namespace semblance {
namespace {

TEST(WorkerTest, RunsItsBodyUntilItsDestructorStopsIt) {
  std::promise<void> started;
  bool stopped = false;
  {
    const Worker worker("test", [&](const std::stop_token& stop) {
      started.set_value();
      stopped = WaitForStop(stop);
    });
    started.get_future().wait();
  }
  EXPECT_TRUE(stopped);
}

TEST(WorkerTest, ProcessesAQueueAndLosesNothingThatCameBeforeTheStop) {
  constexpr int kEntries = 2000;
  Mutex mutex;
  Condition changed;
  int queued = 0;
  int processed = 0;
  {
    const Worker worker("test", [&](const std::stop_token& stop) {
      const MutexLock lock(&mutex);
      while (changed.Wait(mutex, stop, [&] { return queued > 0; })) {
        --queued;
        ++processed;
      }
    });
    for (int i = 0; i < kEntries; ++i) {
      {
        const MutexLock lock(&mutex);
        ++queued;
      }
      changed.NotifyOne();
    }
  }
  EXPECT_EQ(processed, kEntries);
}

TEST(WorkerTest, StopJoinsAndMayBeCalledAgain) {
  std::atomic<bool> ended = false;
  Worker worker("test", [&](const std::stop_token& stop) { ended = WaitForStop(stop); });
  worker.Stop();
  EXPECT_TRUE(ended);
  worker.Stop();
}

TEST(WorkerTest, SeveralWorkersStopTogether) {
  // Each body waits until all workers were asked to stop. If they were stopped one after the other, the test would wait for ever.
  constexpr int kWorkers = 3;
  std::atomic<int> asked = 0;
  std::vector<Worker> workers;
  for (int i = 0; i < kWorkers; ++i) {
    workers.emplace_back("test", [&](const std::stop_token& stop) {
      WaitForStop(stop);
      ++asked;
      for (int seen = asked; seen < kWorkers; seen = asked) {
        asked.wait(seen);
      }
      asked.notify_all();
    });
  }
  for (Worker& worker : workers) {
    worker.RequestStop();
  }
  workers.clear();
  EXPECT_EQ(asked, kWorkers);
}

TEST(WorkerTest, AssignmentStopsTheThreadBefore) {
  std::atomic<bool> first_ended = false;
  Worker worker("first", [&](const std::stop_token& stop) { first_ended = WaitForStop(stop); });
  worker = Worker("second", [](const std::stop_token& stop) { WaitForStop(stop); });
  EXPECT_TRUE(first_ended);
}

TEST(WorkerTest, WithoutAThreadThereIsNothingToStop) {
  Worker worker;
  worker.RequestStop();
  worker.Stop();
}

TEST(WorkerTest, ShowsTheFirstFifteenBytesOfItsName) {
  std::promise<std::string> name;
  const Worker worker("a name of twenty bytes", [&](const std::stop_token&) {
    char text[16] = {};
    ::pthread_getname_np(::pthread_self(), text, sizeof(text));
    name.set_value(text);
  });
  EXPECT_EQ(name.get_future().get(), "a name of twent");
}

}  // namespace
}  // namespace semblance
