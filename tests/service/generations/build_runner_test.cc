#include "service/generations/build_runner.h"

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "common/file.h"
#include "common/program/process.h"
#include "gmock/gmock.h"
#include "tests/service/jobs/fake_job_launcher.h"
#include "tests/service/models/model_fixture.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using storage::v1::BuildProgress;

class BuildRunnerTest : public ::testing::Test {
 protected:
  BuildRunnerTest() : store_(*generation::GenerationStore::Open(dir_.Join("data"))) {
    ModelFixture::WriteBundleTo(dir_.Join("bundle"));
    storage::v1::GenerationRecord record;
    record.set_phase(storage::v1::GenerationRecord::PHASE_BUILDING);
    EXPECT_OK(store_.Create(dir_.Join("bundle"), {}, record));
    options_.builder_path = "/opt/builder";
    options_.data_dir = "/data";
  }

  std::future<absl::Status> Run() {
    return std::async(std::launch::async, [this] {
      const service::BuildRunner runner(options_, &store_, &launcher_, &clock_);
      return runner.RunUntilComplete("gen-000001", stop_.stop(), [this](const BuildProgress& progress) { Keep(progress); });
    });
  }

  void Keep(const BuildProgress& progress) {
    MutexLock lock(&mutex_);
    done_ = progress.done();
    changed_.NotifyAll();
  }

  void AwaitDone(int64_t done) {
    MutexLock lock(&mutex_);
    changed_.Wait(mutex_, {}, [&] { return done_ == done; });
  }

  void WriteProgress(BuildProgress::Step step, int64_t done, const std::string& error = "") {
    BuildProgress progress;
    progress.set_step(step);
    progress.set_done(done);
    progress.set_error(error);
    EXPECT_OK(store_.WriteProgress("gen-000001", progress));
  }
  void Complete() { EXPECT_OK(store_.WriteBuild("gen-000001", {})); }

  // The builder has no name, but its lock shows that it runs.
  void End(size_t start, int exit_code) { cluster_.End(cluster_.AwaitStart(start).name, exit_code); }

  const TempDir dir_;
  const generation::GenerationStore store_;
  service::BuildRunnerOptions options_;
  FakeCluster cluster_;
  FakeJobLauncher launcher_{&cluster_};
  FakeClock clock_;
  service::TaskStopSource stop_;
  Mutex mutex_;
  Condition changed_;
  int64_t done_ = -1;
};

TEST_F(BuildRunnerTest, StartsNoBuilderForACompleteBuild) {
  Complete();
  EXPECT_OK(Run().get());
  EXPECT_THAT(cluster_.specs(), IsEmpty());
}

TEST_F(BuildRunnerTest, TellsTheBuilderWhatToBuildAndWithWhat) {
  options_.config_path = "/etc/server.textproto";
  options_.threads = 3;
  auto run = Run();
  const service::JobSpec spec = cluster_.AwaitStart(1);
  EXPECT_THAT(spec.arguments, ElementsAre("/opt/builder", "--data_dir=/data", "--generation=gen-000001",
                                          "--config=/etc/server.textproto", "--threads=3"));
  EXPECT_EQ(spec.log_path, store_.BuilderLogPath("gen-000001"));
  Complete();
  End(1, 0);
  EXPECT_OK(run.get());
}

TEST_F(BuildRunnerTest, ReportsTheBuildersProgress) {
  WriteProgress(BuildProgress::STEP_EMBEDDING, 5);
  auto run = Run();
  cluster_.AwaitStart(1);
  WriteProgress(BuildProgress::STEP_EMBEDDING, 7);
  AwaitDone(7);
  Complete();
  End(1, 0);
  EXPECT_OK(run.get());
}

TEST_F(BuildRunnerTest, FailsWithTheBuildersWordsAndNamesItsLog) {
  auto run = Run();
  cluster_.AwaitStart(1);
  WriteProgress(BuildProgress::STEP_FAILED, 0, "an image is broken");
  End(1, kExitBadInput);
  const absl::Status status = run.get();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(status, StatusMessage(HasSubstr("semblance-builder ended with 42: an image is broken; its log is ")));
  EXPECT_THAT(status, StatusMessage(HasSubstr("builder.log")));
}

TEST_F(BuildRunnerTest, GivesUpAfterFourStartsWithoutProgress) {
  auto run = Run();
  for (size_t start = 1; start <= 4; ++start) {
    End(start, 137);
    if (start < 4) {
      clock_.AdvanceToNext();
    }
  }
  EXPECT_EQ(run.get().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(cluster_.specs().size(), 4u);
}

TEST_F(BuildRunnerTest, ACancellationEndsTheWaitForTheNextStart) {
  auto run = Run();
  End(1, 137);
  clock_.AwaitWaiting(1);
  stop_.Cancel();
  EXPECT_EQ(run.get().code(), absl::StatusCode::kCancelled);
}

TEST_F(BuildRunnerTest, AShutdownStopsTheBuilder) {
  auto run = Run();
  const std::string name = cluster_.AwaitStart(1).name;
  stop_.ShutDown();
  EXPECT_EQ(run.get().code(), absl::StatusCode::kCancelled);
  EXPECT_FALSE(cluster_.Runs(name));
}

TEST_F(BuildRunnerTest, WaitsForABuilderThatHoldsTheLock) {
  auto lock = FileLock::Acquire(store_.LockPath("gen-000001"));
  ASSERT_OK(lock);
  auto run = Run();
  WriteProgress(BuildProgress::STEP_EMBEDDING, 9);
  AwaitDone(9);
  EXPECT_THAT(cluster_.specs(), IsEmpty());
  Complete();
  lock->reset();
  EXPECT_OK(run.get());
  EXPECT_THAT(cluster_.specs(), IsEmpty());
}

TEST_F(BuildRunnerTest, AShutdownDoesNotWaitForABuilderOfAnotherProcess) {
  auto lock = FileLock::Acquire(store_.LockPath("gen-000001"));
  ASSERT_OK(lock);
  stop_.ShutDown();
  EXPECT_EQ(Run().get().code(), absl::StatusCode::kCancelled);
}

TEST_F(BuildRunnerTest, FailsWhenTheBuildIsDamaged) {
  ASSERT_OK(WriteFileAtomically(store_.Dir("gen-000001") + "/build.json", "{"));
  EXPECT_EQ(Run().get().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(cluster_.specs(), IsEmpty());
}

}  // namespace
}  // namespace semblance::testing
