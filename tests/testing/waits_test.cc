#include "tests/testing/waits.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <future>
#include <stop_token>

#include "common/file.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::testing {
namespace {

class WaitsTest : public ::testing::Test {
 protected:
  // Starts a process that does nothing until it is killed.
  static pid_t StartProcess() {
    const pid_t process = ::fork();
    if (process == 0) {
      while (true) {
        ::pause();
      }
    }
    return process;
  }

  static void Reap(pid_t process) { EXPECT_EQ(::waitpid(process, nullptr, 0), process); }

  const TempDir dir_;
};

TEST_F(WaitsTest, SeeAFileThatIsThereAlready) {
  ASSERT_OK(WriteFileAtomically(dir_.Join("file"), ""));
  EXPECT_TRUE(AwaitInDirectory(dir_.path(), [this] { return PathExists(dir_.Join("file")); }));
}

TEST_F(WaitsTest, SeeAFileInADirectoryThatAppearsLater) {
  std::promise<void> looked;
  const std::future<void> writer = std::async(std::launch::async, [this, &looked] {
    looked.get_future().wait();
    EXPECT_OK(CreateDirectories(dir_.Join("a/b")));
    EXPECT_OK(WriteFileAtomically(dir_.Join("a/b/file"), ""));
  });
  bool first = true;
  EXPECT_TRUE(AwaitInDirectory(dir_.Join("a/b"), [&] {
    if (first) {
      looked.set_value();
      first = false;
    }
    return PathExists(dir_.Join("a/b/file"));
  }));
}

TEST_F(WaitsTest, EndWithAStopRequest) {
  std::stop_source stop;
  int calls = 0;
  const auto request_stop = [&] {
    ++calls;
    stop.request_stop();
    return false;
  };
  EXPECT_FALSE(AwaitInDirectory(dir_.path(), request_stop, {.stop = stop.get_token()}));
  EXPECT_EQ(calls, 2);
}

TEST_F(WaitsTest, EndWithAProcess) {
  const pid_t process = StartProcess();
  const auto kill = [process] {
    ::kill(process, SIGKILL);
    return false;
  };
  EXPECT_FALSE(AwaitInDirectory(dir_.path(), kill, {.process = process}));
  AwaitProcessEnd(process);
  Reap(process);
  EXPECT_FALSE(AwaitInDirectory(dir_.path(), [] { return false; }, {.process = process}));
  AwaitProcessEnd(process);
}

}  // namespace
}  // namespace semblance::testing
