#include "trainer/local_ranks.h"

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <stop_token>
#include <string>
#include <vector>

#include "common/file.h"
#include "common/program/process.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/waits.h"

namespace semblance::trainer {
namespace {

constexpr char kBehavior[] = "SEMBLANCE_TEST_RANK_BEHAVIOR";
// A directory in which a rank makes a file when it handles SIGTERM.
constexpr char kReadyDirectory[] = "SEMBLANCE_TEST_RANK_READY";

std::string Variable(const char* name) {
  const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): no other thread runs.
  return value == nullptr ? "" : value;
}

// RunLocalRanks starts this test program again. In the new processes only this test runs, and it ends the process as the variable
// kBehavior says.
TEST(LocalRanksChildTest, DISABLED_EndsAsItIsTold) {
  ::alarm(60);  // Nothing is left behind if the parent is killed.
  const std::string behavior = Variable(kBehavior);
  const int rank = std::atoi(Variable("RANK").c_str());  // NOLINT(cert-err34-c): 0 is fine.
  if (behavior == "check the environment") {
    const bool is_right = Variable("WORLD_SIZE") == "3" && Variable("LOCAL_RANK") == Variable("RANK") &&
                          Variable("MASTER_ADDR") == "127.0.0.1" && !Variable("MASTER_PORT").empty();
    ::_exit(is_right ? 0 : 1);
  }
  if (behavior == "rank 1 fails, the others wait" && rank == 1) {
    ::_exit(kExitBadInput);
  }
  if (behavior == "rank 0 loses rank 1, which fails later") {
    const std::string ready = Variable(kReadyDirectory) + "/";
    if (rank == 0) {
      testing::AwaitInDirectory(ready, [&ready] { return PathExists(ready + "1") && PathExists(ready + "2"); });
      ::_exit(kExitTransient);
    }
    std::signal(SIGTERM, [](int) { ::_exit(kExitBadInput); });
    EXPECT_OK(WriteFileAtomically(ready + std::to_string(rank), ""));
  }
  while (true) {
    ::pause();
  }
}

absl::StatusOr<int> RunRanks(const char* behavior, const std::stop_token& stop = {}) {
  ::setenv(kBehavior, behavior, 1);  // NOLINT(concurrency-mt-unsafe): no other thread runs.
  return RunLocalRanks(3, {"--gtest_also_run_disabled_tests", "--gtest_filter=LocalRanksChildTest.*"}, stop);
}

TEST(LocalRanksTest, GetTheEnvironmentThatTorchrunSets) {
  ASSERT_OK_AND_ASSIGN(const int code, RunRanks("check the environment"));
  EXPECT_EQ(code, 0);
}

TEST(LocalRanksTest, StopWhenOneOfThemFails) {
  ASSERT_OK_AND_ASSIGN(const int code, RunRanks("rank 1 fails, the others wait"));
  EXPECT_EQ(code, kExitBadInput);
}

TEST(LocalRanksTest, ReportTheFailureAndNotTheLossOfAnotherRank) {
  const testing::TempDir ready;
  ::setenv(kReadyDirectory, ready.path().c_str(), 1);  // NOLINT(concurrency-mt-unsafe): no other thread runs.
  ASSERT_OK_AND_ASSIGN(const int code, RunRanks("rank 0 loses rank 1, which fails later"));
  EXPECT_EQ(code, kExitBadInput);
}

TEST(LocalRanksTest, AreToldToStop) {
  std::stop_source stop;
  stop.request_stop();
  ASSERT_OK_AND_ASSIGN(const int code, RunRanks("wait", stop.get_token()));
  EXPECT_EQ(code, kExitTerminated);
}

}  // namespace
}  // namespace semblance::trainer
