#include "service/jobs/attached_job.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/file.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/waits.h"

namespace semblance::testing {
namespace {

// Jobs that an earlier server left behind. A process that has ended started them.
class AttachedJobTest : public ::testing::Test {
 protected:
  ~AttachedJobTest() override {
    if (leader_ > 0) {
      ::kill(-leader_, SIGKILL);
    }
  }

  // Runs a script as the leader of its process group. The script must print its process id first.
  void Leave(const std::string& script) {
    ASSERT_OK(WriteFileAtomically(dir_.Join("script"), script));
    const std::string command =
        absl::StrCat("SEMBLANCE_JOB=", name_, " setsid /bin/sh ", dir_.Join("script"), " >", log_path_, " &");
    ASSERT_EQ(std::system(command.c_str()), 0);
    leader_ = static_cast<pid_t>(std::stoi(AwaitLine(0)));
  }

  std::string AwaitLine(size_t number) const {
    std::vector<std::string> lines;
    AwaitInDirectory(dir_.path(), [&] {
      lines = absl::StrSplit(ReadFile(log_path_).value_or(""), '\n');
      return lines.size() > number + 1;
    });
    return lines[number];
  }

  static bool Runs(const std::string& pid) {
    const auto status = ReadFile(absl::StrCat("/proc/", pid, "/status"));
    return status.ok() && status->find("State:\tZ") == std::string::npos;
  }

  const TempDir dir_;
  const std::string log_path_ = dir_.Join("log");
  // No other run of this test uses this name.
  const std::string name_ = absl::StrCat("attached-", ::getpid());
  pid_t leader_ = 0;
};

TEST_F(AttachedJobTest, WaitsForAJobThatItDidNotStart) {
  const std::string go = dir_.Join("go");
  Leave("echo $$; while ! test -e " + go + "; do sleep 0.01; done");
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<service::Job> job, service::AttachLocalJob(name_));
  EXPECT_EQ(job->Wait(absl::ZeroDuration()), std::nullopt);
  EXPECT_EQ(job->Wait(absl::Milliseconds(5)), std::nullopt);
  ASSERT_OK(WriteFileAtomically(go, ""));
  EXPECT_EQ(job->Wait(absl::InfiniteDuration()), service::kExitUnknown);
  EXPECT_EQ(job->Wait(absl::ZeroDuration()), service::kExitUnknown);
  EXPECT_THAT(service::AttachLocalJob(name_), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(AttachedJobTest, FindsNothingUnderAnotherName) {
  Leave("echo $$; exec sleep 1000");
  EXPECT_THAT(service::AttachLocalJob(name_ + "1"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(service::AttachLocalJob(name_.substr(1)), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_OK(service::AttachLocalJob(name_));
}

TEST_F(AttachedJobTest, TakesOnlyTheLeaderOfAGroup) {
  // The processes that the job leaves behind have the name too.
  Leave("echo $$; sleep 1000 & echo $!; exit 0");
  const std::string child = AwaitLine(1);
  AwaitProcessEnd(leader_);
  EXPECT_TRUE(Runs(child));
  EXPECT_THAT(service::AttachLocalJob(name_), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(AttachedJobTest, CountsAZombieAsNone) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::setpgid(0, 0);
    const std::string variable = absl::StrCat("SEMBLANCE_JOB=", name_);
    const char* const argv[] = {"/bin/true", nullptr};
    const char* const environment[] = {variable.c_str(), nullptr};
    ::execve(argv[0], const_cast<char**>(argv), const_cast<char**>(environment));
    ::_exit(1);
  }
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  EXPECT_THAT(service::AttachLocalJob(name_), StatusIs(absl::StatusCode::kNotFound));
  ::waitpid(child, nullptr, 0);
}

TEST_F(AttachedJobTest, StopsAJobAndWhatItStarted) {
  Leave("(trap '' TERM; exec sleep 1000) & echo $$; echo $!; wait");
  const std::string child = AwaitLine(1);
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<service::Job> job, service::AttachLocalJob(name_));
  job->Stop(absl::InfiniteDuration());
  EXPECT_EQ(job->Wait(absl::ZeroDuration()), service::kExitUnknown);
  EXPECT_FALSE(Runs(absl::StrCat(leader_)));
  job->Stop(absl::InfiniteDuration());  // Of one that has ended: nothing.
}

TEST_F(AttachedJobTest, KillsAJobThatDoesNotStop) {
  Leave("trap '' TERM; echo $$; echo ready; while :; do sleep 0.01; done");
  EXPECT_EQ(AwaitLine(1), "ready");
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<service::Job> job, service::AttachLocalJob(name_));
  job->Stop(absl::Milliseconds(5));
  EXPECT_FALSE(Runs(absl::StrCat(leader_)));
}

}  // namespace
}  // namespace semblance::testing
