#include "dataset/file_dataset.h"

#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/dataset/files.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::dataset {
namespace {

using ::semblance::testing::HasReason;
using ::semblance::testing::Ids;
using ::semblance::testing::StatusIs;
using ::semblance::testing::StatusMessage;
using ::semblance::testing::TempDir;
using ::semblance::testing::WriteTestFile;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class FileDatasetTest : public ::testing::Test {
 protected:
  const TempDir dir_;
};

TEST_F(FileDatasetTest, KeepsTheExamplesInTheirOrder) {
  ASSERT_OK_AND_ASSIGN(
      const std::unique_ptr<Dataset> dataset,
      NewFileDataset({.root = dir_.path(), .examples = {{"b", "cat", Split::kTest}, {"a", "", Split::kUnassigned}}}));
  EXPECT_THAT(Ids(*dataset), ElementsAre("b", "a"));
  EXPECT_EQ(dataset->example(0).label, "cat");
  EXPECT_EQ(dataset->example(0).split, Split::kTest);
  EXPECT_EQ(dataset->example(1).label, "");
}

TEST_F(FileDatasetTest, ReadsAnImageWhenItIsAskedFor) {
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Dataset> dataset,
                       NewFileDataset({.root = dir_.path(), .examples = {{"deep/a.png", "", {}}}}));
  EXPECT_THAT(dataset->ReadImage(0), AllOf(StatusIs(absl::StatusCode::kNotFound), StatusMessage(HasSubstr("deep/a.png"))));
  WriteTestFile(dir_.Join("deep/a.png"), "the bytes");
  EXPECT_EQ(dataset->ReadImage(0).value(), "the bytes");
}

TEST_F(FileDatasetTest, ReadsFromPathsThatAreNotTheIds) {
  WriteTestFile(dir_.Join("one.png"), "1");
  WriteTestFile(dir_.Join("elsewhere/two.png"), "2");
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Dataset> dataset,
                       NewFileDataset({.root = dir_.Join("elsewhere"),
                                       .examples = {{"x", "", {}}, {"y", "", {}}, {"z", "", {}}},
                                       .paths = {"../one.png", "two.png", dir_.Join("one.png")}}));
  EXPECT_EQ(dataset->ReadImage(0).value(), "1");
  EXPECT_EQ(dataset->ReadImage(1).value(), "2");
  EXPECT_EQ(dataset->ReadImage(2).value(), "1") << "an absolute path needs no root";
}

TEST_F(FileDatasetTest, RefusesAnIdThatComesTwice) {
  EXPECT_THAT(NewFileDataset({.root = "root", .examples = {{"a", "", {}}, {"b", "", {}}, {"a", "", {}}}}),
              AllOf(StatusIs(absl::StatusCode::kInvalidArgument), StatusMessage(HasSubstr("root: the image a is listed twice"))));
  EXPECT_THAT(NewFileDataset({.root = "root", .listed_in = "list.txt", .examples = {{"a", "", {}}, {"a", "", {}}}}),
              StatusMessage(HasSubstr("list.txt: the image a is listed twice")));
}

TEST_F(FileDatasetTest, ReadsNothingOutsideOfTheDataRoot) {
  WriteTestFile(dir_.Join("root/in.png"), "inside");
  WriteTestFile(dir_.Join("out.png"), "outside");
  ASSERT_OK_AND_ASSIGN(const DataRoot root, DataRoot::Open(dir_.Join("root")));
  for (const std::string& path : {std::string("../out.png"), dir_.Join("out.png")}) {
    EXPECT_THAT(NewFileDataset({.root = dir_.Join("root"), .examples = {{"x", "", {}}}, .paths = {path}}, root),
                AllOf(HasReason("PATH_OUTSIDE_ROOT"), StatusMessage(HasSubstr("out.png"))));
  }
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Dataset> dataset,
                       NewFileDataset({.root = dir_.Join("root"), .examples = {{"in.png", "", {}}}}, root));
  EXPECT_EQ(dataset->ReadImage(0).value(), "inside");
  // A link that takes the place of the file after the data set was opened.
  std::filesystem::remove(dir_.Join("root/in.png"));
  std::filesystem::create_symlink(dir_.Join("out.png"), dir_.Join("root/in.png"));
  EXPECT_THAT(dataset->ReadImage(0), HasReason("PATH_OUTSIDE_ROOT"));
}

TEST_F(FileDatasetTest, RefusesIdsAndLabelsThatAreNotUtf8) {
  EXPECT_OK(NewFileDataset({.root = "root", .examples = {{"caf\xc3\xa9", "\xe7\x8c\xab", {}}}}));
  for (const Example& example : {Example{"caf\xe9", "", {}}, Example{"a", "caf\xe9", {}}}) {
    EXPECT_THAT(NewFileDataset({.root = "root", .examples = {example}}),
                AllOf(StatusIs(absl::StatusCode::kInvalidArgument), StatusMessage(HasSubstr("caf\\xe9"))));
  }
}

TEST_F(FileDatasetTest, MayBeEmpty) {
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Dataset> dataset, NewFileDataset({.root = "root"}));
  EXPECT_EQ(dataset->size(), 0);
}

}  // namespace
}  // namespace semblance::dataset
