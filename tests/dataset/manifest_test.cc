#include <string>

#include "absl/strings/str_cat.h"
#include "dataset/dataset.h"
#include "tests/dataset/files.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::dataset {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::HasReason;
using ::testing::HasSubstr;
using testing::Ids;
using testing::StatusIs;
using testing::StatusMessage;
using testing::TempDir;
using testing::WriteTestFile;

absl::StatusOr<std::unique_ptr<Dataset>> OpenManifestWith(const TempDir& dir, const std::string& content) {
  WriteTestFile(dir.Join("list.tsv"), content);
  return OpenManifest(dir.Join("list.tsv"));
}

TEST(ManifestTest, ReadsPathsLabelsAndSplitsInTheirOrder) {
  const TempDir dir;
  WriteTestFile(dir.Join("img/b.png"), "bytes of b");

  ASSERT_OK_AND_ASSIGN(const auto dataset,
                       OpenManifestWith(dir, "path\tlabel\tsplit\nimg/b.png\tred\ttrain\nimg/a.png\tblue\ttest\nc.png\t\t\n"));

  EXPECT_THAT(Ids(*dataset), ElementsAre("img/b.png", "img/a.png", "c.png"));
  EXPECT_EQ(dataset->example(0).label, "red");
  EXPECT_EQ(dataset->example(0).split, Split::kTrain);
  EXPECT_EQ(dataset->example(1).split, Split::kTest);
  EXPECT_EQ(dataset->example(2).split, Split::kUnassigned);
  EXPECT_EQ(dataset->ReadImage(0).value(), "bytes of b");
}

TEST(ManifestTest, TakesIdsFromTheirColumn) {
  const TempDir dir;
  WriteTestFile(dir.Join("x/1"), "bytes");

  ASSERT_OK_AND_ASSIGN(const auto dataset, OpenManifestWith(dir, "path\tlabel\tid\nx/1\tred\tshoe 1\n"));

  EXPECT_THAT(Ids(*dataset), ElementsAre("shoe 1"));
  EXPECT_EQ(dataset->ReadImage(0).value(), "bytes");
  EXPECT_THAT(OpenManifestWith(dir, "path\tlabel\tid\nx/1\tred\t\n"), StatusMessage(HasSubstr("the id is empty")));
}

TEST(ManifestTest, FindsColumnsByName) {
  const TempDir dir;

  ASSERT_OK_AND_ASSIGN(const auto dataset, OpenManifestWith(dir, "label\tprice\tpath\nred\t10\ta.png\n"));

  EXPECT_EQ(dataset->example(0).id, "a.png");
  EXPECT_EQ(dataset->example(0).label, "red");
}

TEST(ManifestTest, PassesOverCommentsEmptyLinesAndCarriageReturns) {
  const TempDir dir;

  ASSERT_OK_AND_ASSIGN(const auto dataset, OpenManifestWith(dir, "# ours\r\npath\tlabel\r\n\r\na.png\tred\r\n"));

  EXPECT_THAT(Ids(*dataset), ElementsAre("a.png"));
  EXPECT_EQ(dataset->example(0).label, "red");
}

TEST(ManifestTest, PassesOverAByteOrderMark) {
  const TempDir dir;
  for (const char* begin : {"", "# ours\r\n"}) {
    ASSERT_OK_AND_ASSIGN(const auto dataset,
                         OpenManifestWith(dir, absl::StrCat("\xEF\xBB\xBF", begin, "path\tlabel\r\na.png\tred\r\n")));
    EXPECT_THAT(Ids(*dataset), ElementsAre("a.png"));
  }
}

TEST(ManifestTest, ReadsNothingOutsideOfTheDataRoot) {
  const TempDir dir;
  WriteTestFile(dir.Join("root/lists/list.tsv"), "path\tlabel\n../a.png\tred\n");
  WriteTestFile(dir.Join("root/a.png"), "a");
  WriteTestFile(dir.Join("secret.png"), "secret");
  WriteTestFile(dir.Join("list.tsv"), "path\tlabel\nroot/a.png\tred\n");
  ASSERT_OK_AND_ASSIGN(const DataRoot root, DataRoot::Open(dir.Join("root")));
  ASSERT_OK_AND_ASSIGN(const auto dataset, OpenManifest(dir.Join("root/lists/list.tsv"), root));
  EXPECT_EQ(dataset->ReadImage(0).value(), "a");

  EXPECT_THAT(OpenManifest(dir.Join("list.tsv"), root), HasReason("PATH_OUTSIDE_ROOT"));
  for (const std::string& path : {std::string("../../secret.png"), dir.Join("secret.png")}) {
    WriteTestFile(dir.Join("root/lists/bad.tsv"), absl::StrCat("path\tlabel\n../a.png\tred\n", path, "\tred\n"));
    EXPECT_THAT(OpenManifest(dir.Join("root/lists/bad.tsv"), root),
                AllOf(HasReason("PATH_OUTSIDE_ROOT"), StatusMessage(HasSubstr("secret.png"))));
  }
}

struct BadManifest {
  const char* name;
  const char* content;
  const char* line;
  const char* message;
};

class BadManifestTest : public ::testing::TestWithParam<BadManifest> {};

TEST_P(BadManifestTest, IsRefusedWithTheLine) {
  const TempDir dir;

  const auto dataset = OpenManifestWith(dir, GetParam().content);

  EXPECT_THAT(dataset, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(dataset, StatusMessage(AllOf(HasSubstr(GetParam().line), HasSubstr(GetParam().message))));
}

INSTANTIATE_TEST_SUITE_P(
    ManifestTest, BadManifestTest,
    ::testing::Values(BadManifest{"NoHeader", "a.png\tred\n", "list.tsv:1", "path and label"},
                      BadManifest{"TooFewCells", "path\tlabel\na.png\n", "list.tsv:2", "expected 2 tab-separated cells, found 1"},
                      BadManifest{"EmptyPath", "path\tlabel\n\tred\n", "list.tsv:2", "path is empty"},
                      BadManifest{"UnknownSplit", "path\tlabel\tsplit\na\tb\tvalid\n", "list.tsv:2", "\"valid\""},
                      BadManifest{"PathTwice", "path\tlabel\na\tb\na\tc\n", "list.tsv:3", "listed twice"},
                      BadManifest{"IdTwice", "path\tlabel\tid\na\tb\tx\nc\tb\tx\n", "list.tsv:3", "the id x is listed twice"},
                      BadManifest{"NoRows", "path\tlabel\n", "list.tsv", "no images"}),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace semblance::dataset
