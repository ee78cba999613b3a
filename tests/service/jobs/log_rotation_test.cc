#include "service/jobs/log_rotation.h"

#include <fcntl.h>
#include <unistd.h>

#include "common/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::testing {
namespace {

using ::testing::ElementsAre;

class LogRotationTest : public ::testing::Test {
 protected:
  void Write(const std::string& content) { ASSERT_OK(WriteFileAtomically(log_, content)); }

  const TempDir dir_;
  const std::string log_ = dir_.Join("log");
};

TEST_F(LogRotationTest, LeavesAShortLogAlone) {
  EXPECT_OK(service::RotateLog(log_, 4, 2));  // None at all.
  Write("1234");
  EXPECT_OK(service::RotateLog(log_, 4, 2));
  EXPECT_THAT(*ListDirectory(dir_.path()), ElementsAre("log"));
  EXPECT_EQ(*ReadFile(log_), "1234");
}

TEST_F(LogRotationTest, KeepsTheLatestParts) {
  for (const char* content : {"first", "second", "third"}) {
    Write(content);
    EXPECT_OK(service::RotateLog(log_, 4, 2));
    EXPECT_EQ(*ReadFile(log_), "");
  }
  EXPECT_THAT(*ListDirectory(dir_.path()), ElementsAre("log", "log.1", "log.2"));
  EXPECT_EQ(*ReadFile(log_ + ".1"), "third");
  EXPECT_EQ(*ReadFile(log_ + ".2"), "second");
}

TEST_F(LogRotationTest, LetsAWriterGoOnInTheSameLog) {
  const int writer = ::open(log_.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  ASSERT_EQ(::write(writer, "before", 6), 6);
  EXPECT_OK(service::RotateLog(log_, 4, 1));
  ASSERT_EQ(::write(writer, "after", 5), 5);
  ::close(writer);
  EXPECT_EQ(*ReadFile(log_), "after");
  EXPECT_EQ(*ReadFile(log_ + ".1"), "before");
}

TEST_F(LogRotationTest, LeavesTheLogAloneWhenItCannotBeCopied) {
  Write("12345");
  ASSERT_OK(CreateDirectories(log_ + ".part"));
  EXPECT_FALSE(service::RotateLog(log_, 4, 2).ok());
  EXPECT_EQ(*ReadFile(log_), "12345");
}

}  // namespace
}  // namespace semblance::testing
