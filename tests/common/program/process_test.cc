#include "common/program/process.h"

#include <stdlib.h>
#include <unistd.h>

#include "gtest/gtest.h"

namespace semblance {
namespace {

// TuneForCompute starts this test program again, with arguments that make it list its tests and exit.
[[noreturn]] void TuneThenExit(int code) {
  char program[] = "common_test";
  char flag[] = "--gtest_list_tests";
  char* argv[] = {program, flag, nullptr};
  TuneForCompute(argv);
  ::_exit(code);
}

TEST(ProcessDeathTest, StartsTheProgramAgainWhereOpenMpWouldSpin) {
  const auto run = [] {
    ::unsetenv("OMP_WAIT_POLICY");
    TuneThenExit(7);
  };
  EXPECT_EXIT(run(), ::testing::ExitedWithCode(0), "");
}

TEST(ProcessDeathTest, LeavesTheOperatorsChoiceAlone) {
  const auto run = [] {
    ::setenv("OMP_WAIT_POLICY", "active", /*overwrite=*/1);
    TuneThenExit(7);
  };
  EXPECT_EXIT(run(), ::testing::ExitedWithCode(7), "");
}

}  // namespace
}  // namespace semblance
