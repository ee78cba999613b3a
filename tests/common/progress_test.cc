#include "common/progress.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace semblance {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string WrittenToLog(const std::function<void()>& body) {
  ::testing::internal::CaptureStderr();
  body();
  return ::testing::internal::GetCapturedStderr();
}

// Runs `body` with standard error on a new pseudo-terminal. The output must fit in one terminal buffer (4 KiB).
std::string WrittenToTerminal(const std::function<void()>& body) {
  const int master = ::posix_openpt(O_RDWR | O_NOCTTY);
  EXPECT_TRUE(master >= 0 && ::grantpt(master) == 0 && ::unlockpt(master) == 0);
  const int slave = ::open(::ptsname(master), O_RDWR | O_NOCTTY);
  const int saved = ::dup(STDERR_FILENO);
  ::dup2(slave, STDERR_FILENO);
  body();
  ::dup2(saved, STDERR_FILENO);
  std::string written(4096, '\0');
  const ssize_t size = ::read(master, written.data(), written.size());
  ::close(saved);
  ::close(slave);
  ::close(master);
  written.resize(size > 0 ? static_cast<size_t>(size) : 0);
  return written;
}

TEST(ProgressReporterTest, WritesPlainLinesToALog) {
  const std::string log = WrittenToLog([] {
    ProgressReporter progress("ingest", /*total=*/10, "images");
    progress.Update(5, "3 retries");
    progress.Finish("10 images");
  });
  EXPECT_THAT(log, AllOf(StartsWith("ingest  50% 5/10 images, "), HasSubstr(" images/s, "), HasSubstr(" left, 3 retries\n"),
                         EndsWith("\ningest 10 images\n"), Not(HasSubstr("\r"))));
}

TEST(ProgressReporterTest, DoesNotFloodALog) {
  const std::string log = WrittenToLog([] {
    ProgressReporter progress("ingest", /*total=*/1000, "images");
    for (int i = 1; i <= 1000; ++i) {
      progress.Update(i, "");
    }
  });
  EXPECT_THAT(log, AllOf(HasSubstr("1/1000 images"), Not(HasSubstr("2/1000 images"))));
}

TEST(ProgressReporterTest, CountsWhereTheTotalIsNotKnown) {
  const std::string log = WrittenToLog([] { ProgressReporter("scan", /*total=*/0, "files").Update(7, ""); });
  EXPECT_THAT(log, AllOf(StartsWith("scan 7 files, "), Not(HasSubstr("%")), Not(HasSubstr("left"))));
}

TEST(ProgressReporterTest, WhatWasDoneBeforeIsNoSpeed) {
  const std::string log = WrittenToLog([] { ProgressReporter("embed", /*total=*/10, "items", /*already_done=*/5).Update(5, ""); });
  EXPECT_EQ(log, "embed  50% 5/10 items, 0 items/s\n");
}

TEST(ProgressReporterTest, TheTotalMayGrow) {
  const std::string log = WrittenToLog([] {
    ProgressReporter progress("catch up", /*total=*/10, "writes");
    progress.SetTotal(20);
    progress.Update(5, "");
  });
  EXPECT_THAT(log, StartsWith("catch up  25% 5/20 writes"));
}

TEST(ProgressReporterTest, RedrawsABarOnATerminal) {
  const std::string screen = WrittenToTerminal([] {
    ProgressReporter progress("train", /*total=*/4, "epochs");
    progress.Update(1, "loss 0.5");
    progress.Finish("done");
  });
  EXPECT_THAT(screen, AllOf(HasSubstr("\rtrain [######..................] 25% 1/4 epochs"), HasSubstr("loss 0.5"),
                            HasSubstr("\rtrain done")));
}

TEST(ProgressReporterTest, LeavesTheTerminalOnANewLine) {
  const std::string screen = WrittenToTerminal([] { ProgressReporter("train", /*total=*/4, "epochs").Update(1, ""); });
  EXPECT_THAT(screen, EndsWith("\n"));
}

TEST(FormatSecondsTest, ShowsTwoUnitsAtMost) {
  EXPECT_EQ(FormatSeconds(0), "0.0s");
  EXPECT_EQ(FormatSeconds(4.24), "4.2s");
  EXPECT_EQ(FormatSeconds(65), "1m 05s");
  EXPECT_EQ(FormatSeconds(3600 * 2 + 60 * 3 + 59), "2h 03m");
}

TEST(FormatSecondsTest, RoundsIntoTheNextUnit) {
  EXPECT_EQ(FormatSeconds(59.96), "1m 00s");
  EXPECT_EQ(FormatSeconds(3599.6), "1h 00m");
}

}  // namespace
}  // namespace semblance
