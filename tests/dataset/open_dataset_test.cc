#include <string>

#include "dataset/dataset.h"
#include "tests/dataset/files.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::dataset {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Ids;
using testing::IdxBytes;
using testing::StatusIs;
using testing::StatusMessage;
using testing::TempDir;
using testing::WriteTestFile;

TEST(OpenDatasetTest, TakesAFileForAManifest) {
  const TempDir dir;
  WriteTestFile(dir.Join("list.tsv"), "path\tlabel\na.png\tred\n");

  ASSERT_OK_AND_ASSIGN(const auto dataset, OpenDataset(dir.Join("list.tsv")));

  EXPECT_THAT(Ids(*dataset), ElementsAre("a.png"));
}

TEST(OpenDatasetTest, TakesADirectoryWithIdxFilesForIdx) {
  const TempDir dir;
  WriteTestFile(dir.Join("t10k-images-idx3-ubyte"), IdxBytes({1, 1, 2}, "ef"));
  WriteTestFile(dir.Join("t10k-labels-idx1-ubyte"), IdxBytes({1}, {7}));

  ASSERT_OK_AND_ASSIGN(const auto dataset, OpenDataset(dir.path()));

  EXPECT_THAT(Ids(*dataset), ElementsAre("test/00000"));
}

TEST(OpenDatasetTest, TakesAnyOtherDirectoryForAnImageFolder) {
  const TempDir dir;
  WriteTestFile(dir.Join("cat/a.png"), "");

  ASSERT_OK_AND_ASSIGN(const auto dataset, OpenDataset(dir.path()));

  EXPECT_THAT(Ids(*dataset), ElementsAre("cat/a.png"));
}

TEST(OpenDatasetTest, NamesAPathThatIsNotThere) {
  const auto dataset = OpenDataset("/nonexistent/data");

  EXPECT_THAT(dataset, StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(dataset, StatusMessage(HasSubstr("/nonexistent/data")));
}

}  // namespace
}  // namespace semblance::dataset
