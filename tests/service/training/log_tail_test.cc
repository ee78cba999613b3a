#include "service/training/log_tail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/file.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::service {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class LogTailTest : public ::testing::Test {
 protected:
  LogLines Read(int64_t offset, int max_lines = 100) const { return ReadLogLines(path(), offset, max_lines).value_or(LogLines()); }
  void Write(const std::string& text) const { ASSERT_OK(WriteFileAtomically(path(), text)); }
  std::string path() const { return dir_.Join("log"); }

  const testing::TempDir dir_;
};

TEST_F(LogTailTest, NoLogIsEmpty) {
  EXPECT_THAT(Read(0).lines, IsEmpty());
}

TEST_F(LogTailTest, GivesWholeLinesOnceEach) {
  Write("one\ntwo\nthr");
  const LogLines first = Read(0);
  EXPECT_THAT(first.lines, ElementsAre("one", "two"));
  Write("one\ntwo\nthree\n");
  const LogLines second = Read(first.next_offset);
  EXPECT_THAT(second.lines, ElementsAre("three"));
  EXPECT_THAT(Read(second.next_offset).lines, IsEmpty());
}

TEST_F(LogTailTest, GivesTheLastLines) {
  Write("one\ntwo\nthree\n");
  EXPECT_THAT(Read(-1, 2).lines, ElementsAre("two", "three"));
  EXPECT_THAT(Read(0, 1).lines, ElementsAre("three"));
}

TEST_F(LogTailTest, BeginsAnewAfterARotation) {
  Write("new\n");
  EXPECT_THAT(Read(1000).lines, ElementsAre("new"));
}

TEST_F(LogTailTest, ReadsNotMoreThanTheEndOfALongLog) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) {
    text += "a line of a log\n";
  }
  Write(text);
  const LogLines log = Read(0, 100'000);
  EXPECT_LT(log.lines.size(), 5000u);
  EXPECT_EQ(log.lines.front(), "a line of a log");
  EXPECT_EQ(log.next_offset, static_cast<int64_t>(text.size()));
}

TEST_F(LogTailTest, OfABarOnlyTheLastCountsAndOtherBytesAreReplaced) {
  Write("10 %\r20 %\r30 %\nbad \xff\n");
  EXPECT_THAT(Read(0).lines, ElementsAre("30 %", "bad ?"));
}

}  // namespace
}  // namespace semblance::service
