#include "service/tasks/supervised_process.h"

#include <deque>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/program/process.h"
#include "gmock/gmock.h"
#include "tests/service/jobs/fake_job_launcher.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"

namespace semblance::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Work whose progress and completion a test sets. It names its processes "job-1", "job-2", ...
class FakeWork final : public service::SupervisedWork {
 public:
  explicit FakeWork(service::JobLauncher* launcher) : launcher_(launcher) {}

  absl::StatusOr<bool> IsComplete() override {
    MutexLock lock(&mutex_);
    return damage_.ok() ? absl::StatusOr<bool>(complete_) : damage_;
  }
  absl::StatusOr<std::unique_ptr<service::Job>> FindProcess() override {
    auto job = launcher_->Attach(absl::StrCat("job-", starts()));
    return absl::IsNotFound(job.status()) ? std::unique_ptr<service::Job>() : std::move(job);
  }
  absl::Status OnFound() override { return Note("found"); }
  absl::StatusOr<service::JobSpec> PrepareStart(int attempt) override {
    MutexLock lock(&mutex_);
    notes_.push_back(absl::StrCat("attempt ", attempt));
    service::JobSpec spec;
    spec.name = absl::StrCat("job-", ++starts_);
    return spec;
  }
  absl::Status OnStarted() override { return Note("started"); }
  service::WorkProgress ReadProgress() override {
    MutexLock lock(&mutex_);
    return progress_;
  }
  absl::Status OnRetry(int attempt, const std::string& reason) override {
    return Note(absl::StrCat("retry after ", attempt, ": ", reason));
  }

  void SetComplete() {
    MutexLock lock(&mutex_);
    complete_ = true;
  }
  void SetDamage(const absl::Status& damage) {
    MutexLock lock(&mutex_);
    damage_ = damage;
  }
  void SetProgress(int step, int64_t done, const std::string& error = "") {
    MutexLock lock(&mutex_);
    progress_ = {.step = step, .done = done, .error = error};
  }
  void SetStarts(int starts) {
    MutexLock lock(&mutex_);
    starts_ = starts;
  }
  int starts() {
    MutexLock lock(&mutex_);
    return starts_;
  }
  void AwaitNotes(size_t count) {
    MutexLock lock(&mutex_);
    noted_.Wait(mutex_, {}, [&] { return notes_.size() >= count; });
  }
  std::vector<std::string> notes() {
    MutexLock lock(&mutex_);
    return notes_;
  }

 private:
  absl::Status Note(const std::string& what) {
    MutexLock lock(&mutex_);
    notes_.push_back(what);
    noted_.NotifyAll();
    return absl::OkStatus();
  }

  service::JobLauncher* const launcher_;
  Mutex mutex_;
  Condition noted_;
  bool complete_ = false;
  absl::Status damage_;
  service::WorkProgress progress_;
  int starts_ = 0;
  std::vector<std::string> notes_;
};

// Refuses the first starts with the statuses that a test gives.
class RefusingLauncher final : public service::JobLauncher {
 public:
  explicit RefusingLauncher(service::JobLauncher* launcher) : launcher_(launcher) {}

  std::deque<absl::Status> refusals;

  absl::StatusOr<std::unique_ptr<service::Job>> Start(const service::JobSpec& spec) override {
    if (refusals.empty()) {
      return launcher_->Start(spec);
    }
    const absl::Status refusal = refusals.front();
    refusals.pop_front();
    return refusal;
  }
  absl::StatusOr<std::unique_ptr<service::Job>> Attach(const std::string& name) override { return launcher_->Attach(name); }
  bool LaunchesReplicas() const override { return false; }

 private:
  service::JobLauncher* const launcher_;
};

class SupervisedProcessTest : public ::testing::Test {
 protected:
  SupervisedProcessTest() {
    options_.program = "the worker";
    options_.hint = "its log is /log";
    options_.max_attempts = 3;
    options_.retry_delay = absl::Seconds(5);
    options_.report_interval = absl::Milliseconds(1);
  }

  void Run() {
    result_ = std::async(std::launch::async, [this] {
      return service::SupervisedProcess(options_, &work_, &launcher_, &clock_).RunUntilComplete(stop_.stop());
    });
  }

  // Ends the process of start number `start` when it runs.
  void End(size_t start, int exit_code) { cluster_.End(cluster_.AwaitStart(start).name, exit_code); }

  service::SupervisionOptions options_;
  FakeCluster cluster_;
  FakeJobLauncher cluster_launcher_{&cluster_};
  RefusingLauncher launcher_{&cluster_launcher_};
  FakeWork work_{&cluster_launcher_};
  FakeClock clock_;
  service::TaskStopSource stop_;
  std::future<absl::Status> result_;
};

TEST_F(SupervisedProcessTest, StartsNothingWhenTheWorkIsComplete) {
  work_.SetComplete();
  Run();
  EXPECT_OK(result_.get());
  EXPECT_THAT(cluster_.specs(), IsEmpty());
}

TEST_F(SupervisedProcessTest, IsDoneWhenTheWorkIsCompleteWhateverTheExitCodeIs) {
  Run();
  cluster_.AwaitStart(1);
  work_.SetComplete();
  End(1, 137);
  EXPECT_OK(result_.get());
  EXPECT_THAT(work_.notes(), ElementsAre("attempt 1", "started"));
}

TEST_F(SupervisedProcessTest, DoesNotTryAgainAfterBadInputAndRepeatsTheProgramsWords) {
  size_t starts = 0;
  work_.SetProgress(0, 0, "the data is bad");
  for (const int exit_code : {kExitBadInput, kExitUsage}) {
    Run();
    End(++starts, exit_code);
    const absl::Status status = result_.get();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(status.message(), absl::StrCat("the worker ended with ", exit_code, ": the data is bad; its log is /log"));
  }
}

TEST_F(SupervisedProcessTest, WaitsLongerBeforeEachStartAndGivesUpWithoutProgress) {
  Run();
  End(1, 137);
  EXPECT_EQ(clock_.AwaitWaiting(1), absl::Seconds(10));
  clock_.AdvanceToNext();
  End(2, 75);
  EXPECT_EQ(clock_.AwaitWaiting(1), absl::Seconds(15));
  clock_.AdvanceToNext();
  End(3, 1);
  const absl::Status status = result_.get();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(status.message(), "the worker ended with 1, the last 3 times without progress; its log is /log");
  EXPECT_EQ(cluster_.specs().size(), 3u);
}

TEST_F(SupervisedProcessTest, StartsThatMadeProgressDoNotCount) {
  Run();
  for (size_t start = 1; start <= 5; ++start) {
    cluster_.AwaitStart(start);
    // The progress is further by a step, or further within the step.
    work_.SetProgress(static_cast<int>(start / 2), static_cast<int64_t>(start));
    End(start, 137);
    EXPECT_EQ(clock_.AwaitWaiting(1), absl::Seconds(5));
    clock_.AdvanceToNext();
  }
  cluster_.AwaitStart(6);
  work_.SetComplete();
  End(6, 0);
  EXPECT_OK(result_.get());
}

TEST_F(SupervisedProcessTest, CountsTheStartsOfEarlierServers) {
  options_.attempt = 2;
  Run();
  End(1, 137);
  EXPECT_THAT(result_.get(), StatusMessage(HasSubstr("the last 3 times")));
  EXPECT_THAT(work_.notes(), ElementsAre("attempt 3", "started"));
}

TEST_F(SupervisedProcessTest, WatchesAProcessThatWorksAlready) {
  work_.SetStarts(1);
  service::JobSpec spec;
  spec.name = "job-1";
  cluster_.Start(spec);
  Run();
  work_.SetComplete();
  cluster_.End("job-1", 0);
  EXPECT_OK(result_.get());
  EXPECT_EQ(cluster_.specs().size(), 1u);
}

TEST_F(SupervisedProcessTest, StartsAnotherWhenAProcessThatItFoundEndsTooEarly) {
  work_.SetStarts(1);
  service::JobSpec spec;
  spec.name = "job-1";
  cluster_.Start(spec);
  Run();
  work_.AwaitNotes(1);
  cluster_.End("job-1", service::kExitUnknown);
  clock_.AdvanceToNext();
  cluster_.AwaitStart(2);
  EXPECT_THAT(work_.notes()[1], HasSubstr("while no server watched it"));
  work_.SetComplete();
  End(2, 0);
  EXPECT_OK(result_.get());
}

TEST_F(SupervisedProcessTest, TriesAgainWhenAProcessCannotBeStartedNow) {
  launcher_.refusals = {absl::UnavailableError("the cluster does not answer"), absl::ResourceExhaustedError("too many processes")};
  Run();
  clock_.AdvanceToNext();
  clock_.AdvanceToNext();
  cluster_.AwaitStart(1);
  work_.SetComplete();
  End(1, 0);
  EXPECT_OK(result_.get());
}

TEST_F(SupervisedProcessTest, FailsWhenTheProgramCannotBeStartedAtAll) {
  launcher_.refusals = {absl::NotFoundError("there is no /opt/worker")};
  Run();
  EXPECT_EQ(result_.get(), absl::NotFoundError("there is no /opt/worker"));
}

TEST_F(SupervisedProcessTest, FailsWithTheDamageOfTheWork) {
  Run();
  cluster_.AwaitStart(1);
  work_.SetDamage(absl::DataLossError("damaged"));
  End(1, 0);
  EXPECT_EQ(result_.get(), absl::DataLossError("damaged"));
}

TEST_F(SupervisedProcessTest, ACancellationStopsTheProcess) {
  Run();
  const std::string name = cluster_.AwaitStart(1).name;
  stop_.Cancel();
  EXPECT_EQ(result_.get(), absl::CancelledError("cancelled"));
  EXPECT_FALSE(cluster_.Runs(name));
}

TEST_F(SupervisedProcessTest, AShutdownLeavesTheProcessRunning) {
  Run();
  const std::string name = cluster_.AwaitStart(1).name;
  stop_.ShutDown();
  EXPECT_EQ(result_.get(), absl::CancelledError("the server is shutting down"));
  EXPECT_TRUE(cluster_.Runs(name));
}

TEST_F(SupervisedProcessTest, AShutdownStopsAProcessThatMustNotOutliveTheServer) {
  options_.stop_at_shutdown = true;
  Run();
  const std::string name = cluster_.AwaitStart(1).name;
  stop_.ShutDown();
  EXPECT_FALSE(result_.get().ok());
  EXPECT_FALSE(cluster_.Runs(name));
}

TEST_F(SupervisedProcessTest, AShutdownLeavesAProcessThatItFound) {
  options_.stop_at_shutdown = true;
  work_.SetStarts(1);
  service::JobSpec spec;
  spec.name = "job-1";
  cluster_.Start(spec);
  stop_.ShutDown();
  Run();
  EXPECT_FALSE(result_.get().ok());
  EXPECT_TRUE(cluster_.Runs("job-1"));
}

TEST_F(SupervisedProcessTest, AStopEndsTheWaitForARetryAtOnce) {
  Run();
  End(1, 137);
  clock_.AwaitWaiting(1);
  stop_.Cancel();
  EXPECT_EQ(result_.get(), absl::CancelledError("cancelled"));
  EXPECT_EQ(cluster_.specs().size(), 1u);
}

TEST_F(SupervisedProcessTest, AStopThatCameBeforeStartsNothing) {
  stop_.Cancel();
  Run();
  EXPECT_FALSE(result_.get().ok());
  EXPECT_THAT(cluster_.specs(), IsEmpty());
}

TEST_F(SupervisedProcessTest, StopsTheProcessOfAnEarlierServer) {
  work_.SetStarts(1);
  service::SupervisedProcess process(options_, &work_, &launcher_, &clock_);
  // No such process exists yet.
  process.StopLeftover();
  service::JobSpec spec;
  spec.name = "job-1";
  cluster_.Start(spec);
  process.StopLeftover();
  EXPECT_FALSE(cluster_.Runs("job-1"));
}

}  // namespace
}  // namespace semblance::testing
