#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/jobs/job_launcher.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/waits.h"

namespace semblance::testing {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class LocalJobLauncherTest : public ::testing::Test {
 protected:
  std::unique_ptr<service::Job> Start(std::vector<std::string> arguments) {
    auto job = launcher_->Start({.name = "", .arguments = std::move(arguments), .log_path = log_path_});
    EXPECT_OK(job);
    return job.ok() ? *std::move(job) : nullptr;
  }

  std::unique_ptr<service::Job> StartShell(const std::string& script) { return Start({"/bin/sh", "-c", script}); }

  static int Await(service::Job& job) { return job.Wait(absl::InfiniteDuration()).value_or(-1); }

  std::string Log() const { return *ReadFile(log_path_); }

  // Waits until the first line of the log is complete, and returns it.
  std::string AwaitLine() const {
    AwaitInDirectory(dir_.path(), [this] { return Log().find('\n') != std::string::npos; });
    return Log().substr(0, Log().find('\n'));
  }

  const TempDir dir_;
  const std::string log_path_ = dir_.Join("job.log");
  std::unique_ptr<service::JobLauncher> launcher_ = service::NewLocalJobLauncher();
};

TEST_F(LocalJobLauncherTest, HandsArgumentsOverAsTheyAre) {
  const auto job = Start({"/bin/echo", "$HOME", "a b;", "`id`", "*"});
  EXPECT_EQ(Await(*job), 0);
  EXPECT_EQ(Log(), "$HOME a b; `id` *\n");
}

TEST_F(LocalJobLauncherTest, AppendsBothOutputsToTheLog) {
  EXPECT_EQ(Await(*StartShell("echo one; echo two >&2")), 0);
  EXPECT_EQ(Await(*StartShell("echo three")), 0);
  EXPECT_EQ(Log(), "one\ntwo\nthree\n");
}

TEST_F(LocalJobLauncherTest, TellsHowAJobEnded) {
  EXPECT_EQ(Await(*StartShell("exit 42")), 42);
  EXPECT_EQ(Await(*StartShell("kill -9 $$")), 128 + SIGKILL);
  const auto job = StartShell("exit 3");
  EXPECT_EQ(Await(*job), 3);
  EXPECT_EQ(job->Wait(absl::ZeroDuration()), 3);
}

TEST_F(LocalJobLauncherTest, WaitsNoLongerThanTheLimit) {
  const auto job = Start({"/bin/sleep", "1000"});
  EXPECT_EQ(job->Wait(absl::ZeroDuration()), std::nullopt);
  EXPECT_EQ(job->Wait(absl::Milliseconds(5)), std::nullopt);
  job->Stop(absl::InfiniteDuration());
  EXPECT_EQ(job->Wait(absl::ZeroDuration()), 128 + SIGTERM);
}

TEST_F(LocalJobLauncherTest, LetsAJobStopByItself) {
  const auto job = StartShell("trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done");
  EXPECT_EQ(AwaitLine(), "ready");
  job->Stop(absl::InfiniteDuration());
  EXPECT_EQ(job->Wait(absl::ZeroDuration()), 7);
  job->Stop(absl::ZeroDuration());  // Of one that has ended: nothing.
}

TEST_F(LocalJobLauncherTest, KillsAJobThatDoesNotStop) {
  const auto job = StartShell("trap '' TERM; echo ready; while :; do sleep 0.01; done");
  EXPECT_EQ(AwaitLine(), "ready");
  job->Stop(absl::Milliseconds(5));
  EXPECT_EQ(job->Wait(absl::ZeroDuration()), 128 + SIGKILL);
}

TEST_F(LocalJobLauncherTest, StopsWhatAJobStarted) {
  // The job itself stops at once, but its child does not.
  const auto job = StartShell("(trap '' TERM; exec sleep 1000) & echo $!; wait");
  const std::string child = AwaitLine();
  job->Stop(absl::InfiniteDuration());
  AwaitProcessEnd(static_cast<pid_t>(std::stoi(child)));
}

TEST_F(LocalJobLauncherTest, StartsJobsInAGroupOfTheirOwnAtTheLowestPriority) {
  const auto job = StartShell("echo $$; exec sleep 1000");
  const std::string pid = AwaitLine();
  // proc(5) defines these fields: pid, name, state, parent, group, session, ..., 41: policy.
  const std::vector<std::string> fields = absl::StrSplit(*ReadFile(absl::StrCat("/proc/", pid, "/stat")), ' ');
  ASSERT_GT(fields.size(), 41u);
  EXPECT_EQ(fields[4], pid);
  EXPECT_EQ(fields[5], absl::StrCat(::getsid(0)));
  EXPECT_EQ(fields[40], absl::StrCat(SCHED_IDLE));
  job->Stop(absl::InfiniteDuration());
}

TEST_F(LocalJobLauncherTest, StartsJobsBelowThoseWhoServeWhereAsked) {
  ASSERT_OK_AND_ASSIGN(const auto job, launcher_->Start({.name = "",
                                                         .arguments = {"/bin/sh", "-c", "echo $$; exec sleep 1000"},
                                                         .log_path = log_path_,
                                                         .priority = service::JobPriority::kLow}));
  const std::vector<std::string> fields = absl::StrSplit(*ReadFile(absl::StrCat("/proc/", AwaitLine(), "/stat")), ' ');
  ASSERT_GT(fields.size(), 41u);
  EXPECT_EQ(fields[18], "10");
  EXPECT_EQ(fields[40], absl::StrCat(SCHED_OTHER));
  job->Stop(absl::InfiniteDuration());
}

TEST_F(LocalJobLauncherTest, LimitsMemoryAndLeavesNoCoreFiles) {
  ASSERT_OK_AND_ASSIGN(const auto job, launcher_->Start({.name = "",
                                                         .arguments = {"/bin/sh", "-c", "echo $$; exec sleep 1000"},
                                                         .log_path = log_path_,
                                                         .max_memory_bytes = 123 << 20}));
  const std::string limits = *ReadFile(absl::StrCat("/proc/", AwaitLine(), "/limits"));
  EXPECT_THAT(limits, ContainsRegex("Max data size +128974848 +128974848 "));
  EXPECT_THAT(limits, ContainsRegex("Max core file size +0 +0 "));
  job->Stop(absl::InfiniteDuration());
}

TEST_F(LocalJobLauncherTest, TellsAJobItsName) {
  const std::vector<std::string> print = {"/bin/sh", "-c", "echo name=$SEMBLANCE_JOB"};
  ::setenv("SEMBLANCE_JOB", "that-of-the-server", 1);
  ASSERT_OK_AND_ASSIGN(const auto named, launcher_->Start({.name = "job-1", .arguments = print, .log_path = log_path_}));
  EXPECT_EQ(Await(*named), 0);
  EXPECT_EQ(Await(*Start(print)), 0);
  ::unsetenv("SEMBLANCE_JOB");
  EXPECT_EQ(Log(), "name=job-1\nname=\n");
}

TEST_F(LocalJobLauncherTest, AttachesToAJobOfItsOwnWithItsExitCode) {
  const std::string go = dir_.Join("go");
  ASSERT_OK_AND_ASSIGN(auto job,
                       launcher_->Start({.name = "job-own",
                                         .arguments = {"/bin/sh", "-c", "while ! test -e " + go + "; do sleep 0.01; done; exit 5"},
                                         .log_path = log_path_}));
  job.reset();
  ASSERT_OK_AND_ASSIGN(const auto attached, launcher_->Attach("job-own"));
  EXPECT_EQ(attached->Wait(absl::ZeroDuration()), std::nullopt);
  ASSERT_OK(WriteFileAtomically(go, ""));
  EXPECT_EQ(Await(*attached), 5);
  EXPECT_THAT(launcher_->Attach("job-own"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(LocalJobLauncherTest, RefusesReplicas) {
  EXPECT_FALSE(launcher_->LaunchesReplicas());
  EXPECT_THAT(launcher_->Start({.name = "", .arguments = {"/bin/true"}, .log_path = log_path_, .replicas = 2}),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(LocalJobLauncherTest, PutsALongLogAside) {
  ASSERT_OK(WriteFileAtomically(log_path_, std::string((16 << 20) + 1, 'x')));
  EXPECT_EQ(Await(*StartShell("echo new")), 0);
  EXPECT_EQ(Log(), "new\n");
  EXPECT_EQ(*FileSize(log_path_ + ".1"), (16 << 20) + 1);
}

TEST_F(LocalJobLauncherTest, GivesJobsSignalsAsTheyAreByDefault) {
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  sigset_t before;
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  const auto handler = ::signal(SIGINT, SIG_IGN);
  EXPECT_EQ(Await(*Start({"/bin/grep", "-E", "^Sig(Blk|Ign):", "/proc/self/status"})), 0);
  ::signal(SIGINT, handler);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  EXPECT_THAT(Log(), HasSubstr("SigBlk:\t0000000000000000\n"));
  // The signals are 1 to 31. The C library keeps 32 and 33 for itself.
  const uint64_t ignored = std::stoull(Log().substr(Log().find("SigIgn:\t") + 8), nullptr, 16);
  EXPECT_EQ(ignored & 0x7fffffff, 0u);
}

TEST_F(LocalJobLauncherTest, HandsNoDescriptorOn) {
  const int inheritable = ::open("/dev/zero", O_RDONLY);
  ASSERT_GE(inheritable, 0);
  EXPECT_EQ(Await(*Start({"/bin/ls", "-l", "/proc/self/fd"})), 0);
  ::close(inheritable);
  EXPECT_THAT(Log(), Not(HasSubstr("/dev/zero")));
  EXPECT_THAT(Log(), HasSubstr("0 -> /dev/null"));
}

TEST_F(LocalJobLauncherTest, SaysWhyAJobCannotStart) {
  EXPECT_THAT(launcher_->Start({.name = "", .arguments = {dir_.Join("none")}, .log_path = log_path_}),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(launcher_->Start({.name = "", .arguments = {dir_.Join("none")}, .log_path = log_path_}),
              StatusMessage(StartsWith("cannot start " + dir_.Join("none"))));
  ASSERT_OK(WriteFileAtomically(dir_.Join("data"), "no program"));
  EXPECT_THAT(launcher_->Start({.name = "", .arguments = {dir_.Join("data")}, .log_path = log_path_}),
              StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(launcher_->Start({.name = "", .arguments = {"/bin/true"}, .log_path = dir_.Join("none/job.log")}),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(LocalJobLauncherTest, ReapsJobsThatNobodyWaitsFor) {
  StartShell("echo $$").reset();
  const std::string pid = AwaitLine();
  // A zombie would stay there. The kernel tells nobody when a parent has waited for its child.
  PollUntil([&pid] { return !PathExists(absl::StrCat("/proc/", pid)); });
}

TEST_F(LocalJobLauncherTest, LetsJobsOutliveTheLauncher) {
  const std::string go = dir_.Join("go");
  const auto job = StartShell("while ! test -e " + go + "; do sleep 0.01; done; exit 5");
  launcher_.reset();
  EXPECT_EQ(job->Wait(absl::ZeroDuration()), std::nullopt);
  ASSERT_OK(WriteFileAtomically(go, ""));
  EXPECT_EQ(Await(*job), 5);
}

}  // namespace
}  // namespace semblance::testing
