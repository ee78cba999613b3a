#include "common/file.h"

#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance {
namespace {

using ::semblance::testing::StatusIs;
using ::semblance::testing::StatusMessage;
using ::semblance::testing::TempDir;
using ::testing::AnyOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class FileTest : public ::testing::Test {
 protected:
  std::string ContentOf(const std::string& name) {
    const auto content = ReadFile(dir_.Join(name));
    EXPECT_OK(content);
    return content.value_or("");
  }

  const TempDir dir_;
};

TEST_F(FileTest, ReadsBackWhatWasWritten) {
  const std::string content("binary \0 and\n lines\n", 20);
  ASSERT_OK(WriteFileAtomically(dir_.Join("file"), content));
  EXPECT_EQ(ContentOf("file"), content);
}

TEST_F(FileTest, ReadsFilesWhoseSizeIsNotKnownBeforehand) {
  ASSERT_OK_AND_ASSIGN(const std::string status, ReadFile("/proc/self/status"));
  EXPECT_THAT(status, HasSubstr("Pid:"));
}

TEST_F(FileTest, SaysWhichFileIsMissing) {
  const auto content = ReadFile(dir_.Join("missing"));
  EXPECT_THAT(content, StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(content, StatusMessage(HasSubstr(dir_.Join("missing"))));
}

TEST_F(FileTest, RefusesToReadADirectory) {
  EXPECT_THAT(ReadFile(dir_.path()), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(FileTest, KnowsTheSizeOfRegularFilesOnly) {
  ASSERT_OK(WriteFileAtomically(dir_.Join("file"), "12345"));
  ASSERT_OK_AND_ASSIGN(const int64_t size, FileSize(dir_.Join("file")));
  EXPECT_EQ(size, 5);
  EXPECT_THAT(FileSize(dir_.path()), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(FileSize(dir_.Join("missing")), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(FileTest, ReplacesAFileAndLeavesNothingElse) {
  ASSERT_OK(WriteFileAtomically(dir_.Join("file"), "old"));
  ASSERT_OK(WriteFileAtomically(dir_.Join("file"), "new"));
  EXPECT_EQ(ContentOf("file"), "new");
  ASSERT_OK_AND_ASSIGN(const std::vector<std::string> names, ListDirectory(dir_.path()));
  EXPECT_THAT(names, ElementsAre("file"));
}

TEST_F(FileTest, LeavesNoTemporaryFileWhenTheRenameFails) {
  ASSERT_OK(CreateDirectories(dir_.Join("target/not_empty")));
  EXPECT_FALSE(WriteFileAtomically(dir_.Join("target"), "content").ok());
  ASSERT_OK_AND_ASSIGN(const std::vector<std::string> names, ListDirectory(dir_.path()));
  EXPECT_THAT(names, ElementsAre("target"));
}

TEST_F(FileTest, CannotWriteIntoAMissingDirectory) {
  EXPECT_THAT(WriteFileAtomically(dir_.Join("missing/file"), "x"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(FileTest, WritersOfOneFileDoNotMixTheirContents) {
  const std::string contents[] = {std::string(1 << 16, 'a'), std::string(1 << 16, 'b')};
  std::vector<absl::Status> results(2);
  std::vector<std::thread> writers;
  for (size_t i = 0; i < results.size(); ++i) {
    writers.emplace_back([&, i] {
      for (int round = 0; round < 20 && results[i].ok(); ++round) {
        results[i] = WriteFileAtomically(dir_.Join("file"), contents[i]);
      }
    });
  }
  for (std::thread& writer : writers) {
    writer.join();
  }
  EXPECT_THAT(results, Each(testing::IsOk()));
  EXPECT_THAT(ContentOf("file"), AnyOf(contents[0], contents[1]));
}

TEST_F(FileTest, CreatesParentsAndAcceptsWhatExists) {
  EXPECT_OK(CreateDirectories(dir_.Join("a/b/c")));
  EXPECT_OK(CreateDirectories(dir_.Join("a/b/c")));
  EXPECT_TRUE(PathExists(dir_.Join("a/b/c")));
}

TEST_F(FileTest, DoesNotCreateADirectoryOverAFile) {
  ASSERT_OK(WriteFileAtomically(dir_.Join("file"), "x"));
  EXPECT_FALSE(CreateDirectories(dir_.Join("file/below")).ok());
}

TEST_F(FileTest, RenamesAndRemovesTrees) {
  ASSERT_OK(CreateDirectories(dir_.Join("a/b")));
  EXPECT_OK(RenameDurably(dir_.Join("a"), dir_.Join("c")));
  EXPECT_FALSE(PathExists(dir_.Join("a")));
  EXPECT_TRUE(PathExists(dir_.Join("c/b")));
  EXPECT_OK(RemoveAll(dir_.Join("c")));
  EXPECT_FALSE(PathExists(dir_.Join("c")));
  EXPECT_OK(RemoveAll(dir_.Join("c")));
  EXPECT_THAT(RenameDurably(dir_.Join("c"), dir_.Join("d")), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(FileTest, ListsNamesInOrder) {
  for (const char* name : {"b", "c", "a"}) {
    ASSERT_OK(WriteFileAtomically(dir_.Join(name), ""));
  }
  ASSERT_OK_AND_ASSIGN(const std::vector<std::string> names, ListDirectory(dir_.path()));
  EXPECT_THAT(names, ElementsAre("a", "b", "c"));
  EXPECT_THAT(ListDirectory(dir_.Join("missing")), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(FileTest, SyncsDirectoriesOnly) {
  ASSERT_OK(WriteFileAtomically(dir_.Join("file"), ""));
  EXPECT_OK(SyncDirectory(dir_.path()));
  EXPECT_THAT(SyncDirectory(dir_.Join("file")), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(FileTest, AppendsAfterWhatIsThere) {
  ASSERT_OK(WriteFileAtomically(dir_.Join("log"), "one "));
  for (const char* word : {"two ", "three"}) {
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<AppendFile> log, AppendFile::Open(dir_.Join("log")));
    EXPECT_OK(log->Append(word));
    EXPECT_OK(log->Sync());
  }
  EXPECT_EQ(ContentOf("log"), "one two three");
}

TEST_F(FileTest, WhatWasAppendedSurvivesTheEndOfTheProcess) {
  const pid_t child = ::fork();
  if (child == 0) {
    const auto log = AppendFile::Open(dir_.Join("log"));
    ::_exit(log.ok() && (*log)->Append("kept").ok() ? 0 : 1);  // No destructor, no flush.
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  EXPECT_EQ(ContentOf("log"), "kept");
}

TEST_F(FileTest, SaysWhenTheDiskIsFull) {
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<AppendFile> full, AppendFile::Open("/dev/full"));
  EXPECT_THAT(full->Append("x"), StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST_F(FileTest, ALockIsHeldOnceAtATime) {
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<FileLock> lock, FileLock::Acquire(dir_.Join("lock")));
  const absl::Status refused = FileLock::Acquire(dir_.Join("lock")).status();
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(refused, StatusMessage(HasSubstr(absl::StrCat("locked by process ", ::getpid(), " on "))));
  lock.reset();
  EXPECT_OK(FileLock::Acquire(dir_.Join("lock")));
}

TEST_F(FileTest, ALockEndsWithItsProcess) {
  const pid_t child = ::fork();
  if (child == 0) {
    const auto lock = FileLock::Acquire(dir_.Join("lock"));
    ::_exit(lock.ok() ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  EXPECT_OK(FileLock::Acquire(dir_.Join("lock")));
}

}  // namespace
}  // namespace semblance
