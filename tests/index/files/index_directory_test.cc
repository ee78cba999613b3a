#include "index/files/index_directory.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/index/files/damage.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::index {
namespace {

using ::semblance::testing::IsOk;
using ::semblance::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

constexpr int kDimension = 4;

class IndexDirectoryTest : public ::testing::Test {
 protected:
  std::unique_ptr<IndexDirectory> Open() {
    auto directory = IndexDirectory::Open(dir_.path(), kDimension);
    EXPECT_OK(directory);
    return directory.ok() ? *std::move(directory) : nullptr;
  }

  void Touch(const std::string& path) { ASSERT_OK(WriteFileAtomically(path, "content")); }

  // Makes a directory with segments 1 and 2 and log 3, which are committed.
  void MakeDirectory() {
    const auto directory = Open();
    for (const uint64_t number : {1, 2}) {
      Touch(directory->SegmentPath(number));
    }
    Touch(directory->LogPath(3));
    for (int i = 0; i < 3; ++i) {
      directory->NextNumber();
    }
    ASSERT_OK(directory->Commit({1, 2}, {3}));
  }

  std::vector<std::string> Names() const { return ListDirectory(dir_.path()).value_or(std::vector<std::string>{}); }

  const testing::TempDir dir_;
};

TEST_F(IndexDirectoryTest, IsCreatedEmptyWhereThereIsNone) {
  auto directory = IndexDirectory::Open(dir_.Join("deep/index"), kDimension);
  ASSERT_OK(directory);
  EXPECT_THAT((*directory)->manifest().segments, IsEmpty());
  EXPECT_THAT((*directory)->manifest().logs, IsEmpty());
  EXPECT_EQ((*directory)->manifest().dimension, kDimension);
}

TEST_F(IndexDirectoryTest, HoldsWhatWasCommittedWhenItIsOpenedAgain) {
  MakeDirectory();
  const auto directory = Open();
  EXPECT_THAT(directory->manifest().segments, ElementsAre(1, 2));
  EXPECT_THAT(directory->manifest().logs, ElementsAre(3));
  EXPECT_EQ(directory->NextNumber(), 4U) << "no number is given out twice";
}

TEST_F(IndexDirectoryTest, RemovesAFileOnlyWhenTheManifestNoLongerNamesIt) {
  MakeDirectory();
  const auto directory = Open();
  Touch(directory->SegmentPath(4));
  ASSERT_OK(directory->Commit({4, 2}, {3}));
  EXPECT_FALSE(PathExists(directory->SegmentPath(1)));
  EXPECT_TRUE(PathExists(directory->SegmentPath(2)));
  EXPECT_TRUE(PathExists(directory->SegmentPath(4)));
  ASSERT_OK(directory->Commit({4, 2}, {}));
  EXPECT_FALSE(PathExists(directory->LogPath(3)));
}

TEST_F(IndexDirectoryTest, OpenRemovesWhatACrashLeftBehindAndNothingElse) {
  MakeDirectory();
  const std::string segment = Open()->SegmentPath(9);
  const std::string log = Open()->LogPath(10);
  Touch(segment);
  Touch(log);
  Touch(dir_.Join("000011.segment.tmp.1234"));
  Touch(dir_.Join("notes.txt"));
  Touch(dir_.Join("000001.segment.corrupt"));
  Touch(dir_.Join("x.segment"));
  Open();
  EXPECT_THAT(Names(), UnorderedElementsAre("000001.segment", "000002.segment", "000003.log", "000001.segment.corrupt", "LOCK",
                                            "MANIFEST", "notes.txt", "x.segment"));
}

TEST_F(IndexDirectoryTest, TakesEveryFileWhenTheManifestIsMissing) {
  MakeDirectory();
  ASSERT_OK(RemoveAll(dir_.Join("MANIFEST")));
  const auto directory = Open();
  EXPECT_THAT(directory->manifest().segments, UnorderedElementsAre(1, 2));
  EXPECT_THAT(directory->manifest().logs, ElementsAre(3));
  EXPECT_EQ(directory->NextNumber(), 4U);
}

TEST_F(IndexDirectoryTest, SetsADamagedManifestAsideAndTakesEveryFile) {
  MakeDirectory();
  ASSERT_OK_AND_ASSIGN(const std::string manifest, ReadFile(dir_.Join("MANIFEST")));
  for (size_t at = 0; at < manifest.size(); ++at) {
    ASSERT_OK(WriteFileAtomically(dir_.Join("MANIFEST"), Flipped(manifest, at)));
    const auto directory = Open();
    ASSERT_NE(directory, nullptr);
    EXPECT_THAT(directory->manifest().segments, UnorderedElementsAre(1, 2)) << at;
    EXPECT_THAT(directory->manifest().logs, ElementsAre(3)) << at;
  }
  ASSERT_OK(WriteFileAtomically(dir_.Join("MANIFEST"), "{"));
  Open();
  EXPECT_EQ(ReadFile(dir_.Join("MANIFEST.corrupt")).value_or("missing"), "{");
}

TEST_F(IndexDirectoryTest, RefusesAnotherDimension) {
  MakeDirectory();
  EXPECT_THAT(IndexDirectory::Open(dir_.path(), kDimension + 1), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Open()->manifest().segments, ElementsAre(1, 2)) << "the refusal changed nothing";
}

TEST_F(IndexDirectoryTest, IsOpenOnceAtATime) {
  const auto first = Open();
  EXPECT_THAT(IndexDirectory::Open(dir_.path(), kDimension), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(IndexDirectoryTest, AFailedCommitChangesNothing) {
  MakeDirectory();
  const auto directory = Open();
  // No file can replace a directory that is not empty.
  ASSERT_OK(RemoveAll(dir_.Join("MANIFEST")));
  std::filesystem::create_directories(dir_.Join("MANIFEST/in_the_way"));
  EXPECT_THAT(directory->Commit({2}, {}), Not(IsOk()));
  EXPECT_THAT(directory->manifest().segments, ElementsAre(1, 2));
  EXPECT_THAT(directory->manifest().logs, ElementsAre(3));
  EXPECT_TRUE(PathExists(directory->SegmentPath(1)));
  EXPECT_TRUE(PathExists(directory->LogPath(3)));
}

TEST_F(IndexDirectoryTest, SetsAFileAsideUnderANameThatSaysSo) {
  Touch(dir_.Join("000007.log"));
  IndexDirectory::SetAside(dir_.Join("000007.log"));
  EXPECT_THAT(Names(), ElementsAre("000007.log.corrupt"));
  IndexDirectory::SetAside(dir_.Join("000008.log"));
  EXPECT_THAT(Names(), ElementsAre("000007.log.corrupt")) << "a file that is not there is logged only";
}

}  // namespace
}  // namespace semblance::index
